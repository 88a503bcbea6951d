"""Terms that a text must have, and terms that it must not."""

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.scorers.parsing import Score, part

Term = Annotated[str, Field(min_length=1)]


class Terms(BaseModel):
    """1 where the text has every required term and no forbidden one, whole words in any case, else 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["terms"]
    name: str = Field(default="terms", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")
    required: list[Term] = Field(default=[], description="Terms that must occur.")
    forbidden: list[Term] = Field(default=[], description="Terms that must not occur.")

    def score(self, text: str, reference: str) -> Score:
        """Full marks for a text that keeps to the terms."""
        searched = part(text, self.field)
        if searched is None:
            return Score(0.0, f"no text in `{self.field}`")
        absent = [f"lacks {term!r}" for term, pattern in self._required if not pattern.search(searched)]
        present = [f"says {term!r}" for term, pattern in self._forbidden if pattern.search(searched)]
        return Score(0.0 if absent or present else 1.0, "; ".join(absent + present))

    @cached_property
    def _required(self) -> list[tuple[str, re.Pattern[str]]]:
        return [(term, _whole(term)) for term in self.required]

    @cached_property
    def _forbidden(self) -> list[tuple[str, re.Pattern[str]]]:
        return [(term, _whole(term)) for term in self.forbidden]


def _whole(term: str) -> re.Pattern[str]:
    before = r"(?<!\w)" if term[:1].isalnum() else ""
    after = r"(?!\w)" if term[-1:].isalnum() else ""
    return re.compile(before + re.escape(term) + after, re.IGNORECASE)
