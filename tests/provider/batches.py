"""Batches, whichever API they came through: what is done of them when, and what each request got."""

import hashlib
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from tests.provider.arrival import Arrival
from tests.provider.replies import Reply

WINDOW_SECONDS = 24 * 3600.0


class Row(NamedTuple):
    """A request of a batch."""

    custom_id: str
    arrival: Arrival


class Done(NamedTuple):
    """A request of a batch, and its reply: none where the batch ended before."""

    custom_id: str
    reply: Reply | None


class End(StrEnum):
    """How a batch came to its end."""

    NONE = ""
    FAILED = "failed"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Batch:
    """A batch as the service keeps it; `done` has every request once it has ended."""

    def __init__(self, id: str, rows: list[Row], created_at: float, metadata: dict[str, str] | None = None) -> None:
        self.id, self.rows, self.created_at, self.metadata = id, rows, created_at, metadata
        self.expires_at = created_at + WINDOW_SECONDS
        self.end, self.ended_at, self.cancelled_at = End.NONE, 0.0, 0.0
        self.errors: list[tuple[str, str]] = []
        self.done: list[Done] = []
        self.files: dict[str, str] = {}

    def count(self, wanted: Callable[[Done], bool]) -> int:
        """How many of its requests are done in a certain way."""
        return sum(map(wanted, self.done))


class Batches:
    """All batches of one service, the newest last."""

    def __init__(self, answer: Callable[[Arrival], Reply], seconds: Callable[[], tuple[float, float]]) -> None:
        self._answer, self._seconds = answer, seconds
        self.kept: dict[str, Batch] = {}

    def keep(self, batch: Batch) -> Batch:
        """Take a batch in."""
        self.kept[batch.id] = batch
        return batch

    def proceed(self, batch: Batch, now: float) -> Batch:
        """Bring a batch to where it stands now."""
        if batch.end is End.NONE:
            batch.end, batch.ended_at = self._ended(batch, now), now
            if batch.end is not End.NONE and batch.end is not End.FAILED:
                self._settle(batch, now)
        return batch

    def _ended(self, batch: Batch, now: float) -> End:
        seconds, share = self._seconds()
        if batch.errors:
            return End.FAILED
        if batch.cancelled_at:
            return End.CANCELLED
        if share == 1 and now >= batch.created_at + seconds:
            return End.COMPLETED
        return End.EXPIRED if now >= batch.expires_at else End.NONE

    def _settle(self, batch: Batch, now: float) -> None:
        """Answer those that were reached; results come in no order that the client would know."""
        seconds, share = self._seconds()
        reached = round(len(batch.rows) * share) if now >= batch.created_at + seconds else 0
        shuffled = sorted(batch.rows, key=lambda row: hashlib.sha256(row.custom_id.encode()).digest())
        for at, row in enumerate(shuffled):
            batch.done.append(Done(row.custom_id, self._answer(row.arrival) if at < reached else None))
