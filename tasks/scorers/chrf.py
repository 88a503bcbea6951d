"""chrF: how many runs of characters the answer shares with the reference."""

import importlib.util
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ExtraMissing
from tasks.scorers.parsing import Score, parts


class Chrf(BaseModel):
    """The F-score of runs of one to six characters, recall counting twice (Popović 2015), from 0 to 1.

    It is the sentence score of sacrebleu over a hundred. A text that equals the reference has full marks, be it empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["chrf"]
    name: str = Field(default="chrf", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")
    variant: Literal["chrf", "chrf++"] = Field(
        default="chrf", description="Characters alone, or runs of one and two words as well (Popović 2017)."
    )

    def check(self) -> None:
        """Raises `ExtraMissing` where what it needs is not installed."""
        if importlib.util.find_spec("sacrebleu") is None:
            raise ExtraMissing("evaluate: 'sacrebleu' is not installed. Run: pip install 'stillhouse[chrf]'")

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own characters; white space does not count."""
        both = parts(text, reference, self.field)
        if isinstance(both, Score):
            return both
        given, wanted = both
        value = 1.0 if given == wanted else self._chrf.sentence_score(given, [wanted]).score / 100
        return Score(min(1.0, value), "" if value >= 1.0 else f"{self.variant} {value:.2f}")

    @cached_property
    def _chrf(self) -> Any:
        self.check()
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(word_order=2 if self.variant == "chrf++" else 0)
