"""Exact match of named fields with the reference's."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import canonical
from tasks.scorers.parsing import Score, as_object


class Fields(BaseModel):
    """1 where every named field equals the reference's, else 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["fields"]
    name: str = Field(description="The metric's name.")
    fields: list[str] = Field(min_length=1, description="Fields of the answer's JSON object that must all match.")

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own values."""
        given, wanted = as_object(text), as_object(reference) or {}
        if given is None:
            return Score(0.0, "not a JSON object")
        wrong = [name for name in self.fields if not _same(given, wanted, name)]
        seen = "; ".join(f"{name}: {given.get(name)!r}, not {wanted.get(name)!r}" for name in wrong)
        return Score(0.0 if wrong else 1.0, seen)


def _same(given: dict[str, Any], wanted: dict[str, Any], name: str) -> bool:
    return name in given and name in wanted and canonical(given[name]) == canonical(wanted[name])
