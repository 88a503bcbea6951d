"""Anthropic's Message Batches: requests in one body, results as JSON lines; no metadata."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.provider.anthropic_api import MESSAGES
from tests.provider.arrival import arrived
from tests.provider.batches import Batch, Batches, Done, End, Row
from tests.provider.behaviour import Behaviour
from tests.provider.clock import Clock
from tests.provider.files_api import Handler
from tests.provider.holds import Holds
from tests.provider.question import Problem, parsed, required
from tests.provider.service import new_id

MOST_REQUESTS, MOST_BYTES = 100_000, 256 * 2**20
CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
PAGE = 20


class AnthropicBatches:
    """The endpoints."""

    def __init__(self, batches: Batches, clock: Clock, holds: Holds) -> None:
        self.batches, self._clock, self._holds = batches, clock, holds
        self.behaviour = Behaviour()

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take a batch in."""
        raw = await request.read()
        requests = required(parsed(raw), "requests", list)
        if len(requests) > MOST_REQUESTS or len(raw) > MOST_BYTES:
            raise Problem("too_large")
        if self.behaviour.credit_requests == 0:
            raise Problem("no_credit")
        headers = {"x-api-key": request.headers.get("x-api-key", "")}
        rows = [
            Row(each["custom_id"], arrived(MESSAGES, json.dumps(each["params"]).encode(), headers)) for each in requests
        ]
        ids = {row.custom_id for row in rows}
        if len(ids) < len(rows) or not all(CUSTOM_ID.fullmatch(id) for id in ids):
            raise Problem("malformed", detail="requests: a custom_id is not unique, or not of its form")
        batch = self.batches.keep(Batch(new_id("msgbatch_"), rows, self._clock.now()))
        await self._holds.at("creation", request)
        return web.json_response(self._described(batch))

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        """How a batch stands."""
        await self._holds.at("poll", request)
        return web.json_response(self._described(self._found(request)))

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """A page of the batches, the newest first."""
        ids = [*reversed(self.batches.kept)]
        after, limit = request.query.get("after_id"), int(request.query.get("limit", PAGE))
        begins = ids.index(after) + 1 if after in ids else 0
        shown = [self._described(self.batches.kept[id]) for id in ids[begins : begins + limit]]
        ends = (
            {"first_id": shown[0]["id"], "last_id": shown[-1]["id"]} if shown else {"first_id": None, "last_id": None}
        )
        return web.json_response({"data": shown, "has_more": begins + limit < len(ids)} | ends)

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Stop a batch; what is answered by now stays."""
        batch = self._found(request)
        if batch.end is End.NONE:
            batch.cancelled_at = self._clock.now()
        return web.json_response(self._described(batch) | {"processing_status": "canceling"})

    async def results(self, request: web.Request) -> web.StreamResponse:
        """What each request got, in lines that are sent in two halves."""
        batch = self._found(request)
        self._described(batch)
        if not batch.done:
            raise Problem("no_such_object", object="Results of message batch", id=batch.id)
        content = "".join(json.dumps(line) + "\n" for line in self._lines(batch)).encode()
        content = content[: len(content) * 3 // 5] if self.behaviour.batch_truncated else content
        return await self._holds.in_halves(request, content)

    def routes(self, guard: Any) -> list[web.RouteDef]:
        """Where each is asked for."""
        below = "/v1/messages/batches"
        handlers: list[tuple[str, str, Handler]] = [
            ("POST", below, self.create),
            ("GET", below, self.listed),
            ("GET", below + "/{id}", self.retrieve),
            ("POST", below + "/{id}/cancel", self.cancel),
            ("GET", below + "/{id}/results", self.results),
        ]
        return [web.route(method, path, guard(handler)) for method, path, handler in handlers]

    def _found(self, request: web.Request) -> Batch:
        id = request.match_info["id"]
        if id not in self.batches.kept or self.behaviour.batch_forgotten:
            raise Problem("no_such_object", object="Message batch", id=id)
        return self.batches.kept[id]

    def _lines(self, batch: Batch) -> Iterator[dict[str, Any]]:
        if self.behaviour.batch_stranger and batch.done[0].reply:
            yield _line(batch.done[0], batch.end) | {"custom_id": "never-sent"}
        yield from (_line(each, batch.end) for each in batch.done)

    def _described(self, batch: Batch) -> dict[str, Any]:
        self.batches.proceed(batch, self._clock.now())
        answered = batch.count(lambda each: each.reply is not None and each.reply.status == 200)
        errored = batch.count(lambda each: each.reply is not None and each.reply.status != 200)
        left = len(batch.done) - answered - errored
        ended, url = batch.end is not End.NONE, f"/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {
                "processing": 0 if ended else len(batch.rows),
                "succeeded": answered,
                "errored": errored,
                "canceled": left if batch.end is End.CANCELLED else 0,
                "expired": left if batch.end is End.EXPIRED else 0,
            },
            "created_at": _moment(batch.created_at),
            "expires_at": _moment(batch.expires_at),
            "ended_at": _moment(batch.ended_at) if ended else None,
            "cancel_initiated_at": _moment(batch.cancelled_at) if batch.cancelled_at else None,
            "archived_at": None,
            "results_url": url if ended else None,
        }


def _line(done: Done, end: End) -> dict[str, Any]:
    if done.reply is None:
        result: dict[str, Any] = {"type": "canceled" if end is End.CANCELLED else "expired"}
    elif done.reply.status == 200:
        result = {"type": "succeeded", "message": json.loads(done.reply.body)}
    else:
        result = {"type": "errored", "error": json.loads(done.reply.body)}
    return {"custom_id": done.custom_id, "result": result}


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
