"""A server that asks who is there: all that Stillhouse does with one, and a provider's key that only a worker reads."""

import base64
import json
import os
import subprocess
import sys
from urllib.error import HTTPError

import pytest

from tests.flows.house import KNOWN, ROOT, House
from tests.flows.test_live_teacher import KEY


def refusal(house: House, path: str, body: object, headers: dict[str, str]) -> int:
    """The status of what the server refuses."""
    with pytest.raises(HTTPError) as refused:
        house.answer(path, body, headers)
    refused.value.close()
    return refused.value.code


def prefect(house: House, *arguments: str) -> None:
    command = [sys.executable, *arguments]
    environment = house.environment | {"PREFECT_API_URL": f"http://127.0.0.1:{house.port}/api"}
    done = subprocess.run(command, cwd=house.folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def house(house: House) -> House:
    """Of the small project whose teacher lets one key in, which no environment here holds."""
    return house.of("guarded")


def test_who_is_not_known_is_refused(house: House) -> None:
    stranger = {"Authorization": f"Basic {base64.b64encode(b'admin:wrong').decode()}"}
    for headers in ({}, stranger):
        for path, body in (("flows/filter", {}), ("admin/settings", None)):
            assert refusal(house, path, body, headers) in (401, 403)
    unknown = house._replace(environment=house.environment | {"PREFECT_API_AUTH_STRING": "admin:wrong"})
    assert "PREFECT_API_AUTH_STRING" in unknown.command("run", str(house.project), "--remote", fails=True)


def test_a_page_of_another_site_cannot_ask_in_the_name_of_who_is_known(house: House) -> None:
    assert refusal(house, "flows/filter", {}, KNOWN) == 403


def test_the_server_that_up_starts_tells_nobody_of_its_use(house: House) -> None:
    assert house.api("admin/settings")["server"]["analytics_enabled"] is False


def test_a_key_in_a_secret_block_reaches_the_run_and_stands_nowhere_else(house: House) -> None:
    save = f"from prefect.blocks.system import Secret; Secret(value={KEY!r}).save('openai-api-key')"
    prefect(house, "-c", save)
    template = str(ROOT / "deployments" / "process.json")
    prefect(house, "-m", "prefect", "work-pool", "update", "stillhouse", "--base-job-template", template)
    run = house.finished(house.begin())
    assert run["state"]["type"] == "COMPLETED", run["state"]
    deployed = house.deployment("guarded")
    pool = house.api("work_pools/stillhouse")
    logs = house.api("logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}})
    assert logs
    assert KEY not in json.dumps([run, deployed, pool, logs])
    for file in house.folder.rglob("*"):
        if file.is_file() and not file.is_relative_to(house.folder / "prefect"):
            assert KEY.encode() not in file.read_bytes(), file
    assert "OPENAI_API_KEY" not in os.environ
