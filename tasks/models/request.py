"""What is asked of a model and what comes back, and the key under which an answer is kept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import digest
from tasks.rows import Message

CUT_OFF = {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
"""Finish reasons of answers that were cut off, as providers name them."""

REFUSED = {"refusal", "content_filter"}
"""Finish reasons of answers that the model or its provider refused to give."""


_LASTING = ("context_too_long", "context too long", "invalid", "forbidden")


Count = Annotated[int, Field(ge=0, le=2**60)]


class Request(BaseModel):
    """One question: all of it that decides the answer, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: list[Message]
    max_output_tokens: int
    temperature: float | None = None
    sample: int = 0
    output_schema: dict[str, Any] | None = None

    def decides(self) -> dict[str, Any]:
        """What of the request enters its key; a schema only where there is one."""
        return self.model_dump(exclude={"output_schema"} if self.output_schema is None else None)


class Answer(BaseModel):
    """What a model gave. A request that failed has an `error` and no text: it is data, and it is counted.

    Tokens are the model's own count: `input_tokens` with those read from and written to the provider's cache,
    `output_tokens` with those of the reasoning. `seconds` is the request's share of the time it took. `nanodollars` is
    what it cost, in 1e-9 US dollars; None where the price is not known. `saved_nanodollars` is what the provider's
    cache took off that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    finish_reason: str = ""
    error: str = ""
    model: str = ""
    reasoning: str = ""
    input_tokens: Count = 0
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0
    output_tokens: Count = 0
    reasoning_tokens: Count = 0
    seconds: float = 0.0
    nanodollars: Count | None = 0
    saved_nanodollars: int = 0
    request_id: str = ""


def failure(error: str) -> str:
    """What a row with this error counts as: `unanswerable` where another try would fare no better, else `failed`."""
    return "unanswerable" if error.startswith(_LASTING) else "failed"


class Answered(NamedTuple):
    """An answer, and the position of its request among those that were asked together."""

    position: int
    answer: Answer


class Model(Protocol):
    """Whoever answers requests: teacher, judge, base and student alike."""

    def identity(self) -> dict[str, Any]:
        """What of the model itself decides its answers: provider, name, weights. No address and no key."""
        ...


class Batched(Model, Protocol):
    """A model that is at hand and answers many requests together, for nothing."""

    def answer(self, requests: Sequence[Request]) -> Iterable[list[Answered]]:
        """Each request's answer once, in any order; those that come together come as one list, recorded as one."""
        ...


def request_key(identity: dict[str, Any], request: Request) -> str:
    """The key of an answer: a digest of the model's identity and of the request."""
    return digest({"model": identity, "request": request.decides()})


def in_batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Positions in batches of similar length, the longest first, so that little is padding."""
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    for start in range(0, len(order), size):
        yield order[start : start + size]
