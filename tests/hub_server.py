"""A model hub on loopback: the few endpoints by which a folder is uploaded as one commit, large files apart."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hub(ThreadingHTTPServer):
    """What was created and committed, and the token that came with each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoints)
        self.created: list[dict[str, Any]] = []
        self.commits: list[str] = []
        self.files: dict[str, bytes] = {}
        self.blobs: dict[str, bytes] = {}
        self.tokens: set[str] = set()
        self.private = True

    @property
    def address(self) -> str:
        """What `HF_ENDPOINT` is set to."""
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.commits.append(value["summary"])
            elif line["key"] == "file":
                self.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.files[value["path"]] = self.blobs[value["oid"]]
            elif line["key"] == "deletedFile":
                del self.files[value["path"]]


@contextmanager
def hub() -> Iterator[Hub]:
    """A hub that answers within."""
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Endpoints(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if "/tree/" in self.path:
            found = [{"type": "file", "path": path, "size": 1, "oid": "0" * 40} for path in self.server.files]
            self._give(found)
        else:
            held = [{"rfilename": path} for path in self.server.files]
            self._give({"id": "ada/shop", "sha": "0" * 40, "siblings": held, "private": self.server.private})

    def do_PUT(self) -> None:
        content = self._body()
        self.server.blobs[hashlib.sha256(content).hexdigest()] = content
        self._give({})

    def do_POST(self) -> None:
        self.server.tokens.add(self.headers.get("authorization", ""))
        body, path = self._body(), self.path
        if path.endswith("/commit/main"):
            self.server.commit([json.loads(line) for line in body.splitlines()])
            self._give({"commitUrl": f"{self.server.address}/ada/shop/commit/1", "commitOid": "1" * 40})
            return
        said = json.loads(body)
        if path.endswith("/repos/create"):
            self.server.created.append(said)
            self._give({"url": f"{self.server.address}/ada/shop"})
        elif "/preupload/" in path:
            self._give({"files": [_mode(each["path"]) for each in said["files"]]})
        elif path.endswith("/objects/batch"):
            self._give({"transfer": "basic", "objects": [self._upload(each) for each in said["objects"]]})
        else:
            self._give({"errors": [], "warnings": []})

    def _upload(self, wanted: dict[str, Any]) -> dict[str, Any]:
        action = {"href": f"{self.server.address}/blob/{wanted['oid']}", "header": {}}
        return {"oid": wanted["oid"], "size": wanted["size"], "actions": {"upload": action}}

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().strip() or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()

    def _give(self, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _mode(path: str) -> dict[str, Any]:
    large = path.endswith(".safetensors")
    return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
