"""A server that asks who is there: all that Stillhouse does with one, and a provider's key that only a worker reads."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.flows.house import ROOT, House, opened
from tests.flows.small_project import build
from tests.flows.test_live_teacher import KEY, SCHEMA, changed
from tests.postgres import Server
from tests.provider import Behaviour, provider_thread

WHO = "admin:only-for-this-test"
SECURED = {
    "PREFECT_SERVER_API_AUTH_STRING": WHO,
    "PREFECT_API_AUTH_STRING": WHO,
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
}
KNOWN = {"Authorization": f"Basic {base64.b64encode(WHO.encode()).decode()}"}


class Guarded(House):
    """A house whose server asks for a name and a password."""

    def api(self, path: str, **body: Any) -> Any:
        """What the server answers to who is known, the token that CSRF protection wants sent along."""
        client = {"Prefect-Csrf-Client": "test"}
        token = answer(self, "csrf-token?client=test", None, KNOWN)["token"] if body else ""
        return answer(self, path, body or None, KNOWN | (client | {"Prefect-Csrf-Token": token} if body else {}))


def refusal(house: House, path: str, body: object, headers: dict[str, str]) -> int:
    """The status of what the server refuses."""
    with pytest.raises(HTTPError) as refused:
        answer(house, path, body, headers)
    refused.value.close()
    return refused.value.code


def answer(house: House, path: str, body: object, headers: dict[str, str]) -> Any:
    """What the server answers to a request with these headers."""
    data = json.dumps(body).encode() if body is not None else None
    url = f"http://127.0.0.1:{house.port}/api/{path}"
    with urlopen(Request(url, data, {"Content-Type": "application/json"} | headers), timeout=30) as given:
        return json.load(given)


def prefect(house: House, *arguments: str) -> None:
    command = [sys.executable, *arguments]
    environment = house.environment | {"PREFECT_API_URL": f"http://127.0.0.1:{house.port}/api"}
    done = subprocess.run(command, cwd=house.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(tiny_llama: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The small project, its teacher a service that lets one key in, which no environment here holds."""
    folder = tmp_path_factory.mktemp("house")
    behaviour = Behaviour(latency_seconds=0.01, api_keys=(KEY,))
    with pytest.MonkeyPatch.context() as patched, provider_thread(behaviour) as provider:
        patched.delenv("OPENAI_API_KEY", raising=False)
        build(folder, tiny_llama)
        (folder / "schema.json").write_text(json.dumps(SCHEMA))
        project = changed(folder, tiny_llama, provider, model={"api_key_env": "OPENAI_API_KEY"})
        with opened(folder, postgres, project, **SECURED) as house:
            yield Guarded(*house)


def test_who_is_not_known_is_refused(house: Guarded) -> None:
    stranger = {"Authorization": f"Basic {base64.b64encode(b'admin:wrong').decode()}"}
    for headers in ({}, stranger):
        for path, body in (("flows/filter", {}), ("admin/settings", None)):
            assert refusal(house, path, body, headers) in (401, 403)
    unknown = house._replace(environment=house.environment | {"PREFECT_API_AUTH_STRING": "admin:wrong"})
    assert "PREFECT_API_AUTH_STRING" in unknown.command("run", str(house.project), "--remote", fails=True)


def test_a_page_of_another_site_cannot_ask_in_the_name_of_who_is_known(house: Guarded) -> None:
    assert refusal(house, "flows/filter", {}, KNOWN) == 403


def test_the_server_that_up_starts_tells_nobody_of_its_use(house: Guarded) -> None:
    assert house.api("admin/settings")["server"]["analytics_enabled"] is False


def test_a_key_in_a_secret_block_reaches_the_run_and_stands_nowhere_else(house: Guarded) -> None:
    save = f"from prefect.blocks.system import Secret; Secret(value={KEY!r}).save('openai-api-key')"
    prefect(house, "-c", save)
    template = str(ROOT / "deployments" / "process.json")
    prefect(house, "-m", "prefect", "work-pool", "update", "stillhouse", "--base-job-template", template)
    shown = house.command("run", str(house.project), "--remote").strip()
    run = house.finished(shown.rpartition("/")[2])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    deployed = house.deployment("small")
    pool = house.api("work_pools/stillhouse")
    logs = house.api("logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}})
    assert logs
    assert KEY not in json.dumps([run, deployed, pool, logs])
    for file in house.folder.rglob("*"):
        if file.is_file() and not file.is_relative_to(house.folder / "prefect"):
            assert KEY.encode() not in file.read_bytes(), file
    assert "OPENAI_API_KEY" not in os.environ
