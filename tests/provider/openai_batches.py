"""OpenAI's Batch API: a file of requests in, a file of answers and a file of errors out."""

import json
from collections import Counter
from typing import Any

from aiohttp import web

from tests.provider.arrival import arrived
from tests.provider.batches import Batch, Batches, Done, End, Row
from tests.provider.behaviour import Behaviour
from tests.provider.clock import Clock
from tests.provider.files_api import Files, Handler, page
from tests.provider.holds import Holds
from tests.provider.openai_api import SERVICE
from tests.provider.openai_chat import CHAT
from tests.provider.openai_responses import RESPONSES
from tests.provider.question import Problem, parsed, required
from tests.provider.service import new_id

MOST_REQUESTS, MOST_BYTES = 50_000, 200 * 2**20
APIS = {api.path: api for api in (CHAT, RESPONSES)}
NOT_DONE = {End.EXPIRED: "batch_expired", End.CANCELLED: "batch_cancelled"}


class OpenAIBatches:
    """The endpoints, over a provider's files."""

    def __init__(self, batches: Batches, files: Files, clock: Clock, holds: Holds) -> None:
        self.batches, self._files, self._clock, self._holds = batches, files, clock, holds
        self.behaviour = Behaviour()

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Take a batch in; what is wrong with its file is found later, while it is validated."""
        asked = parsed(await request.read())
        file = self._files.find(required(asked, "input_file_id", str))
        endpoint = required(asked, "endpoint", str)
        if endpoint not in APIS or asked.get("completion_window") != "24h" or file.purpose != "batch":
            raise Problem("malformed", detail="endpoint, completion_window or the file's purpose is not supported")
        headers = {"Authorization": request.headers.get("Authorization", "")}
        rows, errors = _read(file.content, endpoint, headers)
        batch = Batch(new_id("batch_"), rows, self._clock.now(), asked.get("metadata"))
        batch.errors = errors or self._refusals(batch)
        batch.files = {"input_file_id": file.id, "endpoint": endpoint}
        self.batches.keep(batch)
        await self._holds.at("creation", request)
        return web.json_response(self._described(batch, "validating"))

    async def retrieve(self, request: web.Request) -> web.StreamResponse:
        """How a batch stands."""
        await self._holds.at("poll", request)
        return web.json_response(self._described(self._found(request)))

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """A page of the batches, the newest first."""
        return web.json_response(
            page([self._described(each) for each in reversed(self.batches.kept.values())], request)
        )

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Stop a batch; what is answered by now stays."""
        batch = self._found(request)
        if batch.end is End.NONE:
            batch.cancelled_at = self._clock.now()
            return web.json_response(self._described(batch, "cancelling"))
        raise Problem("malformed", detail=f"Cannot cancel a batch with status '{batch.end}'.")

    def routes(self, guard: Any) -> list[web.RouteDef]:
        """Where each is asked for."""
        handlers: list[tuple[str, str, Handler]] = [
            ("POST", "/v1/batches", self.create),
            ("GET", "/v1/batches", self.listed),
            ("GET", "/v1/batches/{id}", self.retrieve),
            ("POST", "/v1/batches/{id}/cancel", self.cancel),
        ]
        return [web.route(method, path, guard(handler)) for method, path, handler in handlers]

    def _found(self, request: web.Request) -> Batch:
        id = request.match_info["id"]
        if id not in self.batches.kept or self.behaviour.batch_forgotten:
            raise Problem("no_such_object", object="batch", id=id)
        return self.batches.kept[id]

    def _refusals(self, batch: Batch) -> list[tuple[str, str]]:
        if self.behaviour.credit_requests == 0:
            return [("billing_hard_limit_reached", "Billing hard limit has been reached.")]
        most = self.behaviour.batch_enqueued_tokens
        out = [each for each in self.batches.kept.values() if self.batches.proceed(each, self._clock.now()).end == ""]
        enqueued = sum(_tokens(each) for each in [*out, batch])
        if most is not None and enqueued > most:
            return [("token_limit_exceeded", f"Enqueued token limit reached. Limit: {most:,} enqueued tokens.")]
        return []

    def _described(self, batch: Batch, status: str = "") -> dict[str, Any]:
        if not status:
            self.batches.proceed(batch, self._clock.now())
            self._write(batch)
        answered = batch.count(lambda each: each.reply is not None and each.reply.status == 200)
        counts = {"total": len(batch.rows), "completed": answered, "failed": len(batch.done) - answered}
        errors = [{"code": code, "message": words, "line": None, "param": None} for code, words in batch.errors]
        ended = {f"{batch.end}_at": int(batch.ended_at)} if batch.end else {}
        return {
            "id": batch.id,
            "object": "batch",
            "completion_window": "24h",
            "created_at": int(batch.created_at),
            "expires_at": int(batch.expires_at),
            "metadata": batch.metadata,
            "status": status or batch.end or "in_progress",
            "errors": {"object": "list", "data": errors} if batch.end is End.FAILED else None,
            "request_counts": counts if batch.end is not End.FAILED else {"total": 0, "completed": 0, "failed": 0},
        } | (batch.files | ended)

    def _write(self, batch: Batch) -> None:
        """Put the answers and the errors of a batch that has ended into files."""
        if not batch.done or "output_file_id" in batch.files:
            return
        good = [_line(each, batch.end) for each in batch.done if each.reply and each.reply.status == 200]
        bad = [_line(each, batch.end) for each in batch.done if not each.reply or each.reply.status != 200]
        if self.behaviour.batch_stranger and good:
            good.insert(0, good[0] | {"custom_id": "never-sent"})
        for name, lines in (("output", good), ("error", bad)):
            if lines:
                content = "".join(json.dumps(line) + "\n" for line in lines).encode()
                content = content[: len(content) * 3 // 5] if self.behaviour.batch_truncated else content
                file = self._files.keep(f"{batch.id}_{name}.jsonl", "batch_output", content)
                batch.files[f"{name}_file_id"] = file.id


def _read(content: bytes, endpoint: str, headers: dict[str, str]) -> tuple[list[Row], list[tuple[str, str]]]:
    """The requests in a file, and what its validation finds."""
    rows: list[Row] = []
    lines = content.splitlines()
    if len(lines) > MOST_REQUESTS or len(content) > MOST_BYTES:
        return [], [("file_too_large", f"The file holds {len(lines)} requests in {len(content)} bytes.")]
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            right = said["url"] == endpoint and said["method"] == "POST"
            custom_id, body = said["custom_id"], json.dumps(said["body"]).encode()
        except (ValueError, LookupError, TypeError):
            return [], [("invalid_json_line", f"Line {number} is no request.")]
        if not right:
            return [], [("invalid_url", f"Line {number}: the URL is not the batch's endpoint.")]
        rows.append(Row(custom_id, arrived(APIS[endpoint], body, headers)))
    again = [id for id, count in Counter(row.custom_id for row in rows).items() if count > 1]
    if again:
        return [], [("duplicate_custom_id", f"The custom_id {again[0]!r} stands in it twice.")]
    if len({row.arrival.model for row in rows}) > 1:
        return [], [("mismatched_model", "All requests of a batch are to one model.")]
    return rows, [] if rows else [("empty_file", "The file holds no request.")]


def _line(done: Done, end: End) -> dict[str, Any]:
    line = {"id": new_id("batch_req_"), "custom_id": done.custom_id, "response": None, "error": None}
    if done.reply is None:
        words = "This request could not be executed before the batch ended."
        return line | {"error": {"code": NOT_DONE[end], "message": words}}
    request_id = done.reply.headers[SERVICE.request_id_header]
    response = {"status_code": done.reply.status, "request_id": request_id, "body": json.loads(done.reply.body)}
    return line | {"response": response}


def _tokens(batch: Batch) -> int:
    return sum(row.arrival.question.input_tokens for row in batch.rows if row.arrival.question)
