"""OpenAI's Batch API, which others speak too: https://platform.openai.com/docs/api-reference/batch."""

from collections.abc import Callable
from typing import IO, Any, ClassVar

from tasks.models.batches.records import Batch
from tasks.models.batches.remote import CLOCKS_DIFFER_SECONDS, Found, Look, Remote, Result
from tasks.models.live.failures import Failure, Kind
from tasks.models.request import Request

_OURS = "stillhouse_batch"
_OVER: dict[str, Kind | None] = {
    "completed": None,
    "failed": None,
    "expired": Kind.EXPIRED,
    "cancelled": Kind.CANCELLED,
}
_ENDED = {"batch_expired": Kind.EXPIRED, "batch_cancelled": Kind.CANCELLED}
CROWDED = "token_limit_exceeded"
"""Its code for a batch that does not fit beside those that wait already."""


class OpenAIBatches(Remote):
    """At most 50,000 requests and 200 MB a batch; a file goes up first, and names the batch in its metadata."""

    most_rows: ClassVar[int] = 50_000
    most_bytes: ClassVar[int] = 200_000_000

    def connect(self, access: dict[str, Any]) -> Any:
        """A client of the SDK."""
        return self.service.sdk().OpenAI(**access)

    def request(self, key: str, request: Request) -> dict[str, Any]:
        """A request as it stands in the file, under its key."""
        return {"custom_id": key, "method": "POST", "url": self._endpoint, "body": self.service.body(request)}

    def create(self, file: IO[bytes], batch: Batch, creating: Callable[[], None]) -> str:
        """Submit a batch; its id there."""
        with self.speaking():
            uploaded = self.client.files.create(file=(f"stillhouse-{batch.id}.jsonl", file), purpose="batch")
            creating()
            made = self.client.with_options(max_retries=0).batches.create(
                input_file_id=uploaded.id,
                endpoint=self._endpoint,
                completion_window="24h",
                metadata={_OURS: batch.id, "project": batch.project[:512]},
            )
        return made.id

    def find(self, batch: Batch, held: Callable[[str], bool]) -> Found:
        """The batch there that is this one, by its metadata."""
        with self.speaking():
            for each in self.client.batches.list(limit=100):
                if (each.metadata or {}).get(_OURS) == batch.id:
                    return Found(each.id)
                if each.created_at < batch.began_at - CLOCKS_DIFFER_SECONDS:
                    break
        return Found(None)

    def look(self, remote: str) -> Look:
        """How a batch stands."""
        with self.speaking():
            said = self.client.batches.retrieve(remote)
        counts, ended = said.request_counts, _OVER.get(said.status)
        answered, failed = (counts.completed, counts.failed) if counts else (0, 0)
        problem = self._problem(said) if said.status == "failed" else None
        results = tuple(filter(None, (said.output_file_id, said.error_file_id)))
        return Look(said.status, said.status in _OVER, answered + failed, answered, results, ended, problem)

    def stream(self, result: str) -> Any:
        """The response that holds results, as a context manager."""
        return self.client.files.with_streaming_response.content(result)

    def read(self, said: Any) -> Result:
        """What a line of the results says."""
        key, response, error = said["custom_id"], said.get("response"), said.get("error")
        if not response:
            kind, words = _ENDED.get(error["code"]), f"{error['code']}: {error['message']}"
            return Result(key, Failure(kind, words) if kind else self.failed(500, said))
        if response["status_code"] >= 400:
            return Result(key, self.failed(response["status_code"], response["body"]))
        outcome = self.service.understood(response["body"], self.service.batch_prices)
        if isinstance(outcome, Failure):
            return Result(key, outcome)
        return Result(key, outcome.model_copy(update={"request_id": response.get("request_id") or ""}))

    def cancel(self, remote: str) -> None:
        """Ask for a batch to be stopped."""
        with self.speaking():
            self.client.batches.cancel(remote)

    @property
    def _endpoint(self) -> str:
        return f"/v1{self.service.path}"

    def _problem(self, said: Any) -> Failure:
        errors = said.errors.data if said.errors else []
        if not errors:
            return Failure(Kind.INVALID, "it did not say why")
        first = errors[0]
        at = f" (line {first.line})" if first.line else ""
        error = {"code": first.code, "message": first.message}
        return self.failed(400, {"error": error})._replace(words=f"{first.code}: {first.message}{at}")
