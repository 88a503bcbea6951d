"""A standard that evaluation holds answers to, held to the teacher's answers first."""

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.rules.verdict import Candidate, Drop, Keep, Verdict
from tasks.scorers import StandardScorer, marks


class Standard(BaseModel):
    """Drops answers to which a scorer does not give full marks; the reason is the metric's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["standard"]
    scorer: StandardScorer = Field(description="A scorer that needs no reference: schema, terms, pattern or length.")

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order. Raises as the scorer does."""
        scores = marks(self.scorer, [candidate.text for candidate in candidates], [""] * len(candidates))
        return (Keep() if score.value == 1.0 else Drop(self.scorer.name, score.evidence) for score in scores)
