"""A PostgreSQL server of the tests' own, and the ledger and the registry on either database."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

PASSWORD = "the-right-words"
_SETTINGS = ["fsync=off", "full_page_writes=off", "shared_buffers=32MB"]
_NUMBERS = count(1)


class Server:
    """A server on a socket in its own folder. Whoever asks is trusted, but for the role `guarded`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self.folder = programs, folder

    def start(self) -> None:
        """Make the data folder and begin to serve it."""
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "-D", str(data))
        access = data / "pg_hba.conf"
        access.write_text("local all guarded scram-sha-256\n" + access.read_text())
        self.serve()
        self.execute(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")

    def serve(self) -> None:
        """Serve what is there, as after a stop."""
        options = " ".join(f"-c {setting}" for setting in _SETTINGS)
        options += f" -c listen_addresses= -c unix_socket_directories={self.folder}"
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", options)

    def stop(self) -> None:
        """Serve no more, as after a crash."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.folder / "data"))

    def url(self, database: str = "postgres", who: str = "postgres") -> str:
        """Where a database lies."""
        return f"postgresql+psycopg://{who}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"test{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def new_schema(self) -> str:
        """The URL of an empty corner of a database, which is made in a moment."""
        name = f"test{next(_NUMBERS)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url()}&options=-csearch_path%3D{name}"

    def execute(self, statement: str) -> None:
        """Say one thing to the server."""
        engine = sa.create_engine(self.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(statement))
        engine.dispose()

    def _run(self, program: str, *arguments: str) -> None:
        as_another = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        log = self.folder / "said"
        with log.open("w") as said:  # no pipe: the server keeps what it inherits open
            command = [*as_another, str(self._programs / program), *arguments]
            done = subprocess.run(command, stdout=said, stderr=said, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {log.read_text()}")


def _programs() -> Path:
    """Where Debian keeps the server's programs. Skips where there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: float(each.parts[-3]))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install --no-install-recommends postgresql")
    if os.getuid() == 0 and shutil.which("runuser") is None:
        pytest.skip("PostgreSQL does not run as root, and there is no runuser: apt-get install util-linux")
    pytest.importorskip("psycopg", reason="the driver is not installed: pip install 'psycopg[binary]'")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for the session."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="stillhouse-postgres-", dir="/tmp"))  # sockets need a short path
    server = Server(programs, folder)
    try:
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs twice: with the ledger and the registry in files, and on a server."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        where = server.new_schema()
        monkeypatch.setenv("STILLHOUSE_LEDGER", where)
        monkeypatch.setenv("STILLHOUSE_REGISTRY", where)
    return request.param
