"""Where notifications are sent: a server on loopback that keeps what came."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

_SECONDS = 90


class Told(NamedTuple):
    """The address, as Apprise has it, and the notifications that came."""

    url: str
    came: list[dict[str, Any]]

    def once(self, title: str) -> str:
        """What the one notification of this title says, as soon as it is there."""
        until = time.monotonic() + _SECONDS
        while title not in [each["title"] for each in self.came]:
            assert time.monotonic() < until, f"nobody was told {title}: {self.came}"
            time.sleep(0.5)
        [found] = [each for each in self.came if each["title"] == title]
        return found["message"]


@pytest.fixture(scope="session")
def told() -> Iterator[Told]:
    came: list[dict[str, Any]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Told(f"json://127.0.0.1:{server.server_port}/told", came)
        server.shutdown()
