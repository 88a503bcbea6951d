"""A service on loopback that runs a local model behind Chat Completions, as vLLM does."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from tasks.models import Local, Request


class Endpoint(ThreadingHTTPServer):
    """Serves a model under a name, to whoever has the key, and counts what was asked."""

    def __init__(self, local: Local, name: str, key: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.local, self.name, self.key, self.asked, self.running = local, name, key, 0, Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def complete(self, body: dict[str, Any]) -> dict[str, Any]:
        assert (body["model"], body["temperature"]) == (self.name, 0)
        request = Request(messages=body["messages"], max_output_tokens=body["max_tokens"])
        with self.running:
            self.asked += 1
            [[(_, answer)]] = self.local.answer([request])
        message = {"role": "assistant", "content": answer.text}
        usage = {"prompt_tokens": answer.input_tokens, "completion_tokens": answer.output_tokens}
        usage |= {"total_tokens": sum(usage.values())}
        choice = {"index": 0, "message": message, "finish_reason": answer.finish_reason}
        return {"id": "1", "object": "chat.completion", "created": 0, "model": self.name} | {
            "choices": [choice],
            "usage": usage,
        }


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_GET(self) -> None:
        self._send({"object": "list", "data": [{"id": self.server.name, "object": "model", "created": 0}]})

    def do_POST(self) -> None:
        self._send(self.server.complete(json.loads(self.rfile.read(int(self.headers["content-length"])))))

    def _send(self, said: dict[str, Any]) -> None:
        known = not self.server.key or self.headers["authorization"] == f"Bearer {self.server.key}"
        written = json.dumps(said if known else {"error": {"message": "Incorrect API key"}}).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def endpoint(local: Local, name: str, key: str = "") -> Iterator[Endpoint]:
    with Endpoint(local, name, key) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
