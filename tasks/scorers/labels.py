"""Label accuracy."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import canonical
from tasks.scorers.parsing import Score, value_of

NO_LABEL = ""
"""What `label` gives for an answer that has none."""


class Labels(BaseModel):
    """1 where the answer's label is the reference's, else 0.

    The label is the text without white space around it; in a field it may be a number or a truth value too, which
    counts as JSON writes it. Case tells labels apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["labels"]
    name: str = Field(default="label", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the label; else the whole answer.")
    labels: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[], description="Every label there is: any other answer has none. Where empty, any text is a label."
    )

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own label."""
        given, wanted = self.label(text), self.label(reference)
        if wanted == NO_LABEL:
            return Score(0.0, f"the reference has no label: {reference[:80]!r}")
        if given == NO_LABEL:
            return Score(0.0, self._none(text))
        return Score(1.0) if given == wanted else Score(0.0, f"{given[:80]!r}, not {wanted[:80]!r}")

    def label(self, text: str) -> str:
        """The label in an answer, for macro-F1 over rows; `NO_LABEL` where it has none, or none of the set."""
        found = self._said(text)
        return found if not self.labels or found in self.labels else NO_LABEL

    def _said(self, text: str) -> str:
        value = text if self.field is None else value_of(text, self.field)
        match value:
            case str():
                return value.strip()
            case bool() | int() | float():
                return canonical(value)
            case _:
                return NO_LABEL

    def _none(self, text: str) -> str:
        found = self._said(text)
        if found == NO_LABEL:
            return "no label" if self.field is None else f"no label in `{self.field}`"
        return f"{found[:80]!r} is none of the {len(self.labels)} labels"
