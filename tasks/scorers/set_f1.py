"""F1 of a set of items."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import canonical
from tasks.scorers.overlap import f1
from tasks.scorers.parsing import Score, as_list, part, value_of

_SHOWN = 80


class SetF1(BaseModel):
    """The F1 of the answer's items against the reference's: each counts once, and their order means nothing.

    Items are equal where they are written alike, white space around them left out. Two empty sets are equal.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["set_f1"]
    name: str = Field(default="set_f1", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the items; else the whole answer.")
    items: Literal["list", "lines", "commas"] = Field(
        default="list", description="How items stand: a JSON list, a text with one a line, or one between commas."
    )

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own items."""
        given, wanted = self._items(text), self._items(reference)
        if given is None or wanted is None:
            whose = "no items" if given is None else "the reference has no items"
            return Score(0.0, whose + (f" in `{self.field}`" if self.field else ""))
        if given == wanted:
            return Score(1.0)
        seen = {"lacks": wanted - given, "adds": given - wanted}
        words = [f"{verb} {', '.join(sorted(items))[:_SHOWN]}" for verb, items in seen.items() if items]
        return Score(f1(len(given & wanted), len(given), len(wanted)), "; ".join(words))

    def _items(self, text: str) -> frozenset[str] | None:
        if self.items == "list":
            found = as_list(text) if self.field is None else value_of(text, self.field)
            return frozenset(map(_written, found)) if isinstance(found, list) else None
        held = part(text, self.field)
        if held is None:
            return None
        stripped = (item.strip() for item in (held.splitlines() if self.items == "lines" else held.split(",")))
        return frozenset(canonical(item) for item in stripped if item)


def _written(item: object) -> str:
    return canonical(item.strip() if isinstance(item, str) else item)
