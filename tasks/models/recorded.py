"""Recorded answers, replayed under the keys of their requests."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import NotRecorded, ProjectError
from tasks.files import File, read_models
from tasks.models.request import Answer, Answered, Request, request_key

_ANSWERED_AT_ONCE = 64


class RecordedLine(BaseModel):
    """A line of the file: the key of a request, and the answer it got."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=64, max_length=64)
    text: str
    finish_reason: str = "stop"
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Recorded(BaseModel):
    """A model that answers from a file, in the format in which the ledger exports."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["recorded"]
    answers: File = Field(
        description="JSON lines: key, text, finish_reason, model, input_tokens, output_tokens, seconds."
    )
    model: str = Field(default="recorded", description="Whose answers these are: part of every request's key.")

    def identity(self) -> dict[str, Any]:
        """The recorded model's name; the file only holds what it said."""
        return {"provider": "recorded", "model": self.model}

    def answer(self, requests: Sequence[Request]) -> Iterable[list[Answered]]:
        """The recorded answers. Raises `NotRecorded` at the first request that has none."""
        self.check(requests)
        keys = [request_key(self.identity(), request) for request in requests]
        for start in range(0, len(keys), _ANSWERED_AT_ONCE):
            batch = enumerate(keys[start : start + _ANSWERED_AT_ONCE], start)
            yield [Answered(position, self._by_key[key]) for position, key in batch]

    def still_says(self, key: str, answer: Answer) -> bool:
        """Whether the file holds this very text under the key."""
        held = self._by_key.get(key)
        return held is not None and (held.text, held.finish_reason) == (answer.text, answer.finish_reason)

    def check(self, requests: Sequence[Request], names: Sequence[str] = ()) -> None:
        """Raises `NotRecorded`, naming the row, unless every request has an answer."""
        missing = [
            position
            for position, request in enumerate(requests)
            if request_key(self.identity(), request) not in self._by_key
        ]
        if missing:
            first = names[missing[0]] if names else f"request {missing[0] + 1}"
            raise NotRecorded(
                f"{self.answers.path}: no recorded answer for {first} ({len(missing)} of {len(requests)} have none). "
                "An answer is recorded for one exact request: this prompt, these messages and max_output_tokens. Undo "
                "the edit, or set teach.model to a live provider."
            )

    @cached_property
    def _by_key(self) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for where, line in read_models(self.answers.unchanged(), RecordedLine):
            if line.key in found:
                raise ProjectError(
                    f"{where}: field `key`: {line.key[:12]}… is recorded twice. Keep one of the answers."
                )
            found[line.key] = Answer(**line.model_dump(exclude={"key"}))
        return found
