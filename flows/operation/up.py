"""`stillhouse up` and `down`: what one person needs on one machine to run projects on a schedule, and watch them."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from tasks.errors import OperationFailed
from tasks.root import store_root
from tasks.store import write_whole

POOL = "stillhouse"
DEFAULT_PORT = 4200
SHIPPED = Path(__file__).parents[2] / "deployments"
_STARTED_SECONDS = 120.0
_STOPPED_SECONDS = 20.0
_ENVIRONMENT = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "INFO"}
_OF_THIS_COMMAND = {("PREFECT_LOGGING_LEVEL", "CRITICAL"), ("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")}


class Started(BaseModel):
    """A process that `up` started, told from another of the same number by when it began."""

    number: int
    began: float

    def alive(self) -> bool:
        """Whether it still runs."""
        import psutil

        try:
            return abs(psutil.Process(self.number).create_time() - self.began) < 1
        except psutil.Error:
            return False

    def stop(self) -> None:
        """End it and what it started: asked twice, for a worker heeds the second time, and then made to."""
        import psutil

        if not self.alive():
            return
        own = psutil.Process(self.number)
        family = [own, *own.children(recursive=True)]
        for asked in (own.terminate, own.terminate, own.kill):
            asked()
            if not psutil.wait_procs([own], timeout=_STOPPED_SECONDS / 2)[1]:
                break
        for left in family:
            if left.is_running():
                left.kill()


class Up(BaseModel):
    """What is up: where the server answers, and the processes by name."""

    url: str
    processes: dict[str, Started]


class Place(NamedTuple):
    """Where the processes are remembered, and what they say is written."""

    folder: Path

    def read(self) -> Up | None:
        """What was started last, or None."""
        try:
            return Up.model_validate_json((self.folder / "up.json").read_bytes())
        except (OSError, ValueError):
            return None

    def write(self, up: Up) -> None:
        """Remember it."""
        write_whole(self.folder / "up.json", up.model_dump_json(indent=1))

    def log(self, name: str) -> Path:
        """What a process says."""
        return self.folder / f"{name}.log"

    @contextmanager
    def alone(self) -> Generator[None]:
        """Within, every other `up` and `down` of this store waits."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def place() -> Place:
    """Beside the store's runs."""
    folder = store_root() / "up"
    folder.mkdir(parents=True, exist_ok=True)
    return Place(folder)


def up(prefect_file: Path | None = None, port: int | None = None) -> Iterator[str]:
    """Start a server with its UI, a work pool, a worker, deployments and automations of the files; says what it does.

    Without a file named it is the folder's prefect.yaml, where there is one: `stillhouse deploy` writes it. What runs
    already is left alone, so the command can be given again after an edit of a file. Raises `OperationFailed` where
    something does not start, with the log that says why, and where it is up on another port.
    """
    if prefect_file and not prefect_file.is_file():
        raise OperationFailed(f"{prefect_file} is not there. stillhouse deploy FILE writes prefect.yaml for a project.")
    with place().alone():
        yield from _up(place(), prefect_file or Path("prefect.yaml"), port)


def _up(here: Place, prefect_file: Path, port: int | None) -> Iterator[str]:
    known = here.read()
    lives = known is not None and known.processes["server"].alive()
    url = known.url if known and lives else f"http://127.0.0.1:{port or DEFAULT_PORT}"
    if lives and port is not None and url.rpartition(":")[2] != str(port):
        raise OperationFailed(f"it is up at {url}. Give stillhouse down first, and then up with --port {port}.")
    processes = dict(known.processes) if known else {}
    if not lives:
        _refuse_taken(port or DEFAULT_PORT)
    started = _ensure(here, processes, "server", _server(port or DEFAULT_PORT), url)
    _wait_until_healthy(here, processes["server"], url)
    here.write(Up(url=url, processes=processes))
    yield f"server: {url} ({'started' if started else 'was up'})"
    if _run(["work-pool", "inspect", POOL], url).returncode:
        _prefect(["work-pool", "create", POOL, "--type", "process"], url)
    started = _ensure(here, processes, "worker", _worker(), url)
    here.write(Up(url=url, processes=processes))
    yield f"worker: pool {POOL} ({'started' if started else 'was up'})"
    if prefect_file.is_file():
        register(prefect_file, url)
        yield f"deployed: {prefect_file}"
    else:
        yield f"deployed: nothing, for {prefect_file} is not there; stillhouse deploy FILE writes it for a project"
    own = prefect_file.with_name("automations.yaml")
    yield from _automations(own if own.is_file() else SHIPPED / own.name, url)
    yield f"logs: {here.folder}"
    yield f"for commands of your own: export PREFECT_API_URL={url}/api"


def register(prefect_file: Path, url: str) -> None:
    """Put a file's deployments into a server."""
    # all of them, for Prefect finds none of a module's entrypoint by `--name FLOW/NAME`
    _prefect(["deploy", "--all", "--prefect-file", str(prefect_file)], url)


def down() -> Iterator[str]:
    """Stop what `up` started; says what it stops."""
    here = place()
    with here.alone():
        known = here.read()
        for name in ("worker", "server"):
            process = known.processes.get(name) if known else None
            if process is None or not process.alive():
                yield f"{name}: was not up"
            else:
                process.stop()
                yield f"{name}: stopped"


def _automations(file: Path, url: str) -> Iterator[str]:
    if not file.is_file():
        yield f"automations: none, for {file} is not there; stillhouse automations --file FILE takes another"
        return
    os.environ["PREFECT_API_URL"] = f"{url}/api"
    from flows.operation.automations import create

    yield from create(file)


def _ensure(here: Place, processes: dict[str, Started], name: str, command: Sequence[str], url: str) -> bool:
    """Start a process unless it lives; returns whether it was started."""
    import psutil

    if name in processes and processes[name].alive():
        return False
    with here.log(name).open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(url), start_new_session=True
        )
    processes[name] = Started(number=child.pid, began=psutil.Process(child.pid).create_time())
    return True


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise OperationFailed(f"something else listens on port {port}. Stop it, or give another with --port.")


def _server(port: int) -> list[str]:
    return [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]


def _worker() -> list[str]:
    return [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", POOL]


def _environment(url: str) -> dict[str, str]:
    loud = {name: value for name, value in os.environ.items() if (name, value) not in _OF_THIS_COMMAND}
    own = {"PREFECT_API_URL": f"{url}/api", "STILLHOUSE_STORE": str(store_root()), "PWD": str(Path.cwd())}
    return _ENVIRONMENT | loud | own


def _wait_until_healthy(here: Place, server: Started, url: str) -> None:
    until = time.monotonic() + _STARTED_SECONDS
    while time.monotonic() < until:
        if not server.alive():
            break
        try:
            with urllib.request.urlopen(f"{url}/api/health", timeout=2) as answer:
                if json.load(answer) is True:
                    return
        except (OSError, ValueError):
            time.sleep(0.3)
    raise OperationFailed(f"the server does not answer at {url}. {here.log('server')} ends: {_end(here.log('server'))}")


def _prefect(arguments: Sequence[str], url: str) -> None:
    done = _run(arguments, url)
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())[-500:]
        raise OperationFailed(f"prefect {' '.join(arguments)} failed: {said}")


def _run(arguments: Sequence[str], url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    return subprocess.run(command, env=_environment(url), capture_output=True, text=True, check=False)


def _end(log: Path) -> str:
    return " ".join(log.read_text(encoding="utf-8", errors="replace").split())[-300:]
