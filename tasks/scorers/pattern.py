"""A regular expression of the user's own, under a time limit."""

import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.errors import ProjectError
from tasks.scorers.parsing import Score, part

_REPEATS = 100_000
_SECONDS = 0.5  # an answer
_PATIENCE = 10  # answers that may take so long before the pattern is at fault, not they


class Expression(BaseModel):
    """A regular expression that answers are held to, as a rule or as a scorer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default="pattern", description="The metric's name, or the reason that the funnel shows.")
    pattern: str = Field(description="A regular expression, as Python's `regex` reads it.")
    whole: bool = Field(default=True, description="Whether it must match the whole text, or be found in it somewhere.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")

    @model_validator(mode="after")
    def _usable(self) -> "Expression":
        import regex

        if math.prod(max(1, int(count)) for count in re.findall(r"\{(?:\d*,)?(\d+)", self.pattern)) > _REPEATS:
            raise ValueError(f"{self.pattern[:80]!r} repeats more than {_REPEATS} times, which takes all memory")
        try:
            _ = self._compiled
        except regex.error as error:
            raise ValueError(f"{self.pattern!r} is not a regular expression: {error}") from error
        return self

    def matches(self, texts: Sequence[str]) -> Iterator[Score]:
        """Full marks for each text that matches, in order; none where the expression comes to no end.

        Raises `ProjectError` where it runs out of time again and again.
        """
        endless = 0
        for text in texts:
            try:
                yield self._match(text)
            except TimeoutError:
                endless += 1
                if endless > _PATIENCE:
                    raise ProjectError(self._at_fault(endless)) from None
                yield Score(0.0, f"{self.pattern[:80]!r} came to no end within {_SECONDS} s on {text[:80]!r}")

    def _match(self, text: str) -> Score:
        given = part(text, self.field)
        if given is None:
            return Score(0.0, f"no text in `{self.field}`")
        match = self._compiled.fullmatch if self.whole else self._compiled.search
        return Score(1.0) if match(given, timeout=_SECONDS) else Score(0.0, f"no match: {given[:80]!r}")

    def _at_fault(self, endless: int) -> str:
        return (
            f"pattern `{self.name}`: {self.pattern!r} came to no end within {_SECONDS} s on {endless} answers. "
            "Write it so that no part can match the same text in many ways, as (a+)+ does."
        )

    @cached_property
    def _compiled(self) -> Any:
        import regex

        return regex.compile(self.pattern)


class Pattern(Expression):
    """1 where a regular expression matches, else 0; 0 too where it does not come to an end within half a second."""

    scorer: Literal["pattern"]

    def score(self, text: str, reference: str) -> Score:
        """Full marks for a text that matches."""
        return next(self.matches([text]))

    def score_all(self, texts: Sequence[str], references: Sequence[str]) -> list[Score]:
        """Each text's marks, in order. Raises `ProjectError` where the expression runs out of time again and again."""
        return list(self.matches(texts))
