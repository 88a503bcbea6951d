"""What is asked of a model and what comes back, and the key under which an answer is kept."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from tasks.artifacts import digest
from tasks.rows import Message

CUT_OFF = {"length", "max_tokens", "model_length"}
"""Finish reasons of answers that were cut off, as providers name them."""


class Request(BaseModel):
    """One question: all of it that decides the answer, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: list[Message]
    max_output_tokens: int
    temperature: float = 0.0
    sample: int = 0


class Answer(BaseModel):
    """What a model gave. A request that failed has an `error` and no text: it is data, and it is counted.

    `input_tokens` and `output_tokens` are the model's own count; `seconds` is the request's share of the time it took.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    finish_reason: str = ""
    error: str = ""
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Answered(NamedTuple):
    """An answer, and the position of its request among those that were asked together."""

    position: int
    answer: Answer


class Model(Protocol):
    """Whoever answers requests: teacher, judge, base and student alike."""

    def identity(self) -> dict[str, Any]:
        """What of the model itself decides its answers: provider, name, weights. No address and no key."""
        ...

    def answer(self, requests: Sequence[Request]) -> Iterable[list[Answered]]:
        """Each request's answer once, in any order; those that come together come as one list, recorded as one."""
        ...


def request_key(identity: dict[str, Any], request: Request) -> str:
    """The key of an answer: a digest of the model's identity and of the request."""
    return digest({"model": identity, "request": request.model_dump()})


def in_batches(lengths: Sequence[int], size: int) -> Iterator[list[int]]:
    """Positions in batches of similar length, the longest first, so that little is padding."""
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    for start in range(0, len(order), size):
        yield order[start : start + size]
