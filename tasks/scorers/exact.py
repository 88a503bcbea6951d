"""Exact match of the whole text."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.scorers.parsing import Score, parts
from tasks.scorers.token_f1 import squad_tokens


class Exact(BaseModel):
    """1 where the text equals the reference's, white space around it left out, else 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["exact"]
    name: str = Field(default="exact", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")
    normalised: bool = Field(
        default=False,
        description="Whether case, ASCII punctuation, English articles and white space make no difference: SQuAD's.",
    )

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own text."""
        both = parts(text, reference, self.field)
        if isinstance(both, Score):
            return both
        given, wanted = both
        same = squad_tokens(given) == squad_tokens(wanted) if self.normalised else given.strip() == wanted.strip()
        return Score(1.0) if same else Score(0.0, f"{given[:80]!r}, not {wanted[:80]!r}")
