"""Anthropic's Message Batches: https://platform.claude.com/docs/en/build-with-claude/batch-processing."""

import json
from collections.abc import Callable
from contextlib import suppress
from itertools import islice
from typing import IO, Any, ClassVar

from tasks.models.batches.records import Batch
from tasks.models.batches.remote import CLOCKS_DIFFER_SECONDS, Found, Look, Remote, Result
from tasks.models.live.failures import Failure, Kind
from tasks.models.request import Request

_LOOKED_AT = 100
_PATH = "/v1/messages/batches"
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_ENDED = {"expired": Kind.EXPIRED, "canceled": Kind.CANCELLED}


class AnthropicBatches(Remote):
    """At most 100,000 requests and 256 MB a batch, in one body; a batch has no name of ours, its requests have."""

    most_rows: ClassVar[int] = 100_000
    most_bytes: ClassVar[int] = 256_000_000
    head: ClassVar[bytes] = b'{"requests": ['
    between: ClassVar[bytes] = b","
    tail: ClassVar[bytes] = b"]}"

    def connect(self, access: dict[str, Any]) -> Any:
        """A client of the SDK."""
        return self.service.sdk().Anthropic(**access)

    def request(self, key: str, request: Request) -> dict[str, Any]:
        """A request as it stands in the file, under its key."""
        return {"custom_id": key, "params": self.service.body(request)}

    def create(self, file: IO[bytes], batch: Batch, creating: Callable[[], None]) -> str:
        """Submit a batch; its id there. The body is sent as it is read, for it may be large."""
        import httpx2

        creating()
        once, json_body = self.client.with_options(max_retries=0), {"headers": {"Content-Type": "application/json"}}
        with self.speaking():
            return once.post(_PATH, content=file, cast_to=httpx2.Response, options=json_body).json()["id"]

    def find(self, batch: Batch, held: Callable[[str], bool]) -> Found:
        """The batch there that is this one: as large, made since, and with its requests, as its results tell."""
        unsure = False
        with self.speaking():
            for each in self.client.messages.batches.list(limit=100):
                if each.created_at.timestamp() < batch.began_at - CLOCKS_DIFFER_SECONDS:
                    break
                if sum(dict(each.request_counts).values()) != batch.rows:
                    continue
                if each.processing_status != "ended":
                    unsure = True
                elif self._holds(each.id, held):
                    return Found(each.id)
        return Found(None, unsure)

    def look(self, remote: str) -> Look:
        """How a batch stands."""
        with self.speaking():
            said = self.client.messages.batches.retrieve(remote)
        counts, over = said.request_counts, said.processing_status == "ended"
        done = counts.succeeded + counts.errored + counts.expired + counts.canceled
        ended = Kind.EXPIRED if counts.expired else Kind.CANCELLED if counts.canceled else None
        results = (remote,) if said.results_url else ()  # they are kept for 29 days
        return Look(said.processing_status, over, done, counts.succeeded, results, ended)

    def stream(self, result: str) -> Any:
        """The response that holds results, as a context manager."""
        return self.client.messages.batches.with_streaming_response.results(result)

    def read(self, said: Any) -> Result:
        """What a line of the results says."""
        key, result = said["custom_id"], said["result"]
        if result["type"] == "succeeded":
            return Result(key, self.service.understood(result["message"], self.service.batch_prices))
        if result["type"] in _ENDED:
            return Result(key, Failure(_ENDED[result["type"]], "its batch ended before it was reached"))
        error = result["error"].get("error") or result["error"]
        return Result(key, self.failed(_STATUS.get(error["type"], 500), {"error": error}))

    def cancel(self, remote: str) -> None:
        """Ask for a batch to be stopped."""
        with self.speaking():
            self.client.messages.batches.cancel(remote)

    def _holds(self, remote: str, held: Callable[[str], bool]) -> bool:
        """Whether the results of a batch are of this one's requests, by the first of them."""
        for line in islice(self.lines(Look("", True, 0, 0, (remote,))), _LOOKED_AT):
            with suppress(ValueError, LookupError, TypeError):
                if held(json.loads(line)["custom_id"]):
                    return True
        return False
