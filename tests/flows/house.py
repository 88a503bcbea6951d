"""A server that asks who is there, a worker and deployments as `stillhouse up` starts them, on PostgreSQL."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import psutil
import pytest

from flows.operation.deploying import Schedule, deploy
from flows.operation.up import Up
from tests.postgres import Server

ROOT = Path(__file__).parents[2]
_RUN_SECONDS = 240
_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
WHO = "admin:only-for-this-test"
_SECURED = {
    "PREFECT_SERVER_API_AUTH_STRING": WHO,
    "PREFECT_API_AUTH_STRING": WHO,
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
}
KNOWN = {"Authorization": f"Basic {base64.b64encode(WHO.encode()).decode()}"}


class House(NamedTuple):
    """Where everything lies, and the environment of its commands."""

    folder: Path
    project: Path
    environment: dict[str, str]
    port: int

    def command(self, *arguments: str, fails: bool = False) -> str:
        """What `stillhouse` prints; on standard error where it fails."""
        command = [sys.executable, "-m", "flows.cli", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    def of(self, folder: str) -> "House":
        """The house, of the project in a folder of its own."""
        return self._replace(project=self.folder / folder / "small.yaml")

    def begin(self, project: Path | None = None) -> str:
        """The flow run that a worker is asked for."""
        return self.command("run", str(project or self.project), "--remote").strip().rpartition("/")[2]

    def up(self) -> None:
        """Start what is missing."""
        self.command("up", "--file", "prefect.yaml", "--port", str(self.port))

    def kill(self, name: str) -> None:
        """What `stillhouse up` started under the name, and what that started: all of it at once, with -9."""
        up = Up.model_validate_json((self.folder / "store/up/up.json").read_bytes())
        own = psutil.Process(up.processes[name].number)
        for process in [*own.children(recursive=True), own]:
            process.kill()
        own.wait(10)

    def crash(self, run: str) -> None:
        """What the automation for runs without a heartbeat comes to, in a moment."""
        assert self.api(f"flow_runs/{run}")["state"]["type"] == "RUNNING"
        self.api(f"flow_runs/{run}/set_state", state={"type": "CRASHED"}, force=True)

    def champions(self, project: Path | None = None) -> list[str]:
        """The lines of the history that are on stage."""
        told = self.command("history", str(project or self.project))
        return [line for line in told.splitlines() if "on stage" in line]

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait until something happened."""
        until = time.monotonic() + _RUN_SECONDS
        while not happened():
            assert time.monotonic() < until, (self.folder / "store/up/worker.log").read_text()[-5000:]
            time.sleep(0.05)

    def api(self, path: str, **body: Any) -> Any:
        """What the server answers to who is known, the token that CSRF protection wants sent along."""
        client = {"Prefect-Csrf-Client": "test"}
        token = self.answer("csrf-token?client=test", None, KNOWN)["token"] if body else ""
        return self.answer(path, body or None, KNOWN | (client | {"Prefect-Csrf-Token": token} if body else {}))

    def answer(self, path: str, body: object, headers: dict[str, str]) -> Any:
        """What the server answers to a request with these headers."""
        data = json.dumps(body).encode() if body is not None else None
        url = f"http://127.0.0.1:{self.port}/api/{path}"
        with urlopen(Request(url, data, {"Content-Type": "application/json"} | headers), timeout=30) as given:
            return json.load(given)

    def deployment(self, name: str) -> dict[str, Any]:
        """What the server has of the project's runs."""
        named = {"name": {"any_": [name]}}
        [deployed] = self.api("deployments/filter", deployments=named, flows={"name": {"any_": ["distill"]}})
        return deployed

    def finished(self, run: str) -> dict[str, Any]:
        """The flow run, once it has ended."""
        return self.once(run, *_ENDED)

    def once(self, run: str, *types: str, seconds: float = _RUN_SECONDS) -> dict[str, Any]:
        """The flow run, once its state is of one of the types."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            seen = self.api(f"flow_runs/{run}")
            if seen["state"]["type"] in types:
                return seen
            time.sleep(1)
        raise AssertionError(
            f"{run} never became {types}: {seen['state']}; {(self.folder / 'store/up/worker.log').read_text()}"
        )


def _deploy(folder: Path, projects: Sequence[Path]) -> None:
    """As `stillhouse deploy` does in the folder, but that it begins once for all."""
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("STILLHOUSE_STORE", str(folder / "store"))
        patched.delenv("PREFECT_API_URL", raising=False)
        for project in projects:
            assert "stillhouse up" in list(deploy(project, Schedule("0 3 * * 1", "Europe/Berlin")))[-1]


@contextmanager
def opened(folder: Path, postgres: Server, *projects: Path, **more: str) -> Iterator[House]:
    """A house with the projects' deployments, up until the end; the first project is the house's."""
    shutil.copy(ROOT / "deployments" / "automations.yaml", folder)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "STILLHOUSE"))}
    environment = kept | {
        "PYTHONPATH": str(ROOT),
        "PWD": str(folder),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": postgres.new_database().replace("+psycopg", "+asyncpg"),
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "STILLHOUSE_STORE": str(folder / "store"),
        **_SECURED,
        **more,
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    house = House(folder, projects[0], environment, port)
    try:
        _deploy(folder, projects)
        house.up()
        yield house
    finally:
        house.command("down")
        shutil.rmtree(folder / "prefect", ignore_errors=True)
