"""A bucket of the tests' own: moto's server on loopback, and hosts that share it, each with a store of its own."""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

SECRET = "a-secret-that-is-shown-to-nobody"
_NUMBERS = count(1)


class Bucket:
    """An empty bucket, named by `STILLHOUSE_OBJECTS`; a host is a store's root of its own."""

    def __init__(self, server: Any, patched: pytest.MonkeyPatch, folder: Path) -> None:
        from pyarrow.fs import FileSystem

        self._server, self._patched, self._folder = server, patched, folder
        name = f"test{next(_NUMBERS)}"
        patched.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        patched.setenv("AWS_ACCESS_KEY_ID", "someone")
        patched.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        files, _ = FileSystem.from_uri(f"s3://{name}?allow_bucket_creation=true&region=us-east-1")
        files.create_dir(name)
        self.url = f"s3://{name}/shared"
        patched.setenv("STILLHOUSE_OBJECTS", self.url)

    def host(self, name: str) -> Path:
        """Go on as this host; its store's root."""
        root = self._folder / name
        self._patched.setenv("STILLHOUSE_STORE", str(root))
        return root

    @contextmanager
    def away(self) -> Generator[None]:
        """The server answers nobody; what it holds is there again after."""
        _, self._server._port = self._server.get_host_and_port()
        self._server.stop()
        yield
        self._server.start()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Any]:
    """One server for the session."""
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3]' flask flask-cors")
    threaded = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    threaded.start()
    yield threaded
    threaded.stop()


@pytest.fixture
def bucket(s3_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bucket:
    """A bucket, and the test is the host `one`."""
    made = Bucket(s3_server, monkeypatch, tmp_path)
    made.host("one")
    return made
