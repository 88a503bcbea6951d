"""A server, a worker and deployments as `stillhouse up` starts them, on a database of PostgreSQL's."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest

from flows.operation.deploying import Schedule, deploy
from tests.postgres import Server

ROOT = Path(__file__).parents[2]
_RUN_SECONDS = 240
_ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


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

    def api(self, path: str, **body: Any) -> Any:
        """What the server answers."""
        data = json.dumps(body).encode() if body else None
        request = Request(f"http://127.0.0.1:{self.port}/api/{path}", data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def deployment(self, name: str) -> dict[str, Any]:
        """What the server has of the project's runs."""
        named = {"name": {"any_": [name]}}
        [deployed] = self.api("deployments/filter", deployments=named, flows={"name": {"any_": ["distill"]}})
        return deployed

    def finished(self, run: str) -> dict[str, Any]:
        """The flow run, once it has ended."""
        return self.once(run, *_ENDED)

    def once(self, run: str, *types: str) -> dict[str, Any]:
        """The flow run, once its state is of one of the types."""
        until = time.monotonic() + _RUN_SECONDS
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
        **more,
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    house = House(folder, projects[0], environment, port)
    try:
        _deploy(folder, projects)
        house.command("up", "--port", str(port))
        yield house
    finally:
        house.command("down")
        shutil.rmtree(folder / "prefect", ignore_errors=True)
