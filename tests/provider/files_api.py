"""OpenAI's files: uploaded, described, listed, read and deleted."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from tests.provider.holds import Holds
from tests.provider.question import Problem
from tests.provider.service import Service, new_id

PAGE = 20
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class File(NamedTuple):
    """A file as the service keeps it."""

    id: str
    name: str
    purpose: str
    content: bytes
    created_at: float

    def described(self) -> dict[str, Any]:
        """What the service says of it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": int(self.created_at),
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


class Files:
    """All files of a provider, the newest last; `now` tells the time that they are dated with."""

    def __init__(self, now: Callable[[], float], holds: Holds) -> None:
        self._now, self._holds = now, holds
        self.kept: dict[str, File] = {}

    def keep(self, name: str, purpose: str, content: bytes) -> File:
        """Take a file in."""
        file = File(new_id("file-"), name, purpose, content, self._now())
        self.kept[file.id] = file
        return file

    def find(self, id: str) -> File:
        """The file with this id; raises Problem where there is none."""
        if id not in self.kept:
            raise Problem("no_such_object", object="File", id=id)
        return self.kept[id]

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take in what is uploaded as a form of several parts."""
        name, purpose, content = "", "", b""
        async for part in await request.multipart():
            if isinstance(part, BodyPartReader) and part.name == "file":
                name, content = part.filename or "", bytes(await part.read())
            elif isinstance(part, BodyPartReader) and part.name == "purpose":
                purpose = await part.text()
        if not name or not purpose:
            raise Problem("malformed", detail="file and purpose are required", param="file")
        file = self.keep(name, purpose, content)
        await self._holds.at("upload", request)
        return web.json_response(file.described())

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """A page of the files, the newest first."""
        await self._holds.at("listing", request)
        wanted = request.query.get("purpose")
        newest = [file for file in reversed(self.kept.values()) if wanted in (None, file.purpose)]
        return web.json_response(page([file.described() for file in newest], request))

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        """What is known of a file."""
        return web.json_response(self.find(request.match_info["id"]).described())

    async def content(self, request: web.Request) -> web.StreamResponse:
        """The file itself, sent in two halves."""
        return await self._holds.in_halves(request, self.find(request.match_info["id"]).content)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Forget a file."""
        file = self.find(request.match_info["id"])
        del self.kept[file.id]
        return web.json_response({"id": file.id, "object": "file", "deleted": True})

    def routes(self, guard: Callable[[Handler], Handler]) -> list[web.RouteDef]:
        """Where each is asked for; the guard says what becomes of a Problem."""
        return [
            web.post("/v1/files", guard(self.create)),
            web.get("/v1/files", guard(self.listed), allow_head=False),
            web.get("/v1/files/{id}", guard(self.retrieve), allow_head=False),
            web.get("/v1/files/{id}/content", guard(self.content), allow_head=False),
            web.delete("/v1/files/{id}", guard(self.delete)),
        ]


def page(described: list[dict[str, Any]], request: web.Request) -> dict[str, Any]:
    """As much of a list as one answer holds, from behind the object that `after` names."""
    ids = [each["id"] for each in described]
    after, limit = request.query.get("after"), int(request.query.get("limit", PAGE))
    begins = ids.index(after) + 1 if after in ids else 0
    shown = described[begins : begins + limit]
    ends = {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
    return {"object": "list", "data": shown, "has_more": begins + limit < len(ids)} | ends


def guarding(service: Service, keys: Callable[[], tuple[str, ...] | None]) -> Callable[[Handler], Handler]:
    """Lets in who has a key, and words a Problem as the service does."""

    def guard(handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            request_id = new_id("req_")
            try:
                key, allowed = service.key(request.headers), keys()
                if allowed is not None and key not in allowed:
                    raise Problem("unauthorized", key=key)
                return await handler(request)
            except Problem as problem:
                status, body = service.error(problem, request_id)
                return web.json_response(body, status=status, headers={service.request_id_header: request_id})

        return answer

    return guard
