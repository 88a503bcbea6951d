"""Judged: a model gives the answer levels in named dimensions, and one of them is too low."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.judges import Case, Levels, Rubric, Unreadable, refuse_unjudged
from tasks.models import Hand, failure
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict

_SHOWN = 300


class Judged(BaseModel):
    """Drops answers that a judge puts below a level in any dimension; the reason is the dimension's name.

    An answer whose verdict cannot be read is dropped as `unjudged`, or as `failed` where no verdict came and one may
    come in the next run: nobody has found it worth learning from. Approved answers are not judged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["judged"]
    rubric: Rubric = Field(description="The judge, and the dimensions that it judges by.")
    at_least: int = Field(default=3, ge=2, description="The lowest level that is worth learning from.")
    max_unjudged_share: float = Field(
        default=0.1, ge=0, le=1, description="The share of answers without a verdict above which the stage stops."
    )
    same_as_teacher: bool = Field(
        default=False, description="Insists on a judge that is a teacher itself; every drop then says so."
    )

    @model_validator(mode="after")
    def _possible(self) -> "Judged":
        for dimension in self.rubric.dimensions:
            if self.at_least > len(dimension.levels):
                raise ValueError(
                    f"at_least: {dimension.name} has {len(dimension.levels)} levels, so none reaches {self.at_least}"
                )
        return self

    def asking(self, hand: Hand) -> "Asking":
        """The rule with the hand that asks its judge."""
        return Asking(self, hand)


class Asking(NamedTuple):
    """A rule at work: what it is, and who asks its judge through the ledger."""

    rule: Judged
    hand: Hand

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order. Raises as `Hand.ask`, and `StageFailed` where too many have none."""
        cases = [
            Case(candidate.row["id"], candidate.row["messages"], candidate.text)
            for candidate in candidates
            if not candidate.approved
        ]
        said = self.rule.rubric.judge(self.hand, cases)
        refuse_unjudged(said, self.rule.max_unjudged_share, "filter", "judged")
        given = iter(said)
        return [Keep() if candidate.approved else self._verdict(next(given)) for candidate in candidates]

    def _verdict(self, said: Levels | Unreadable) -> Verdict:
        if isinstance(said, Unreadable):
            passing = said.failed and failure(said.why) == "failed"
            return Drop("failed" if passing else "unjudged", f"the judge's verdict: {said.words()}")
        low = {name: level for name, level in said.items() if level.level < self.rule.at_least}
        return Drop(next(iter(low)), self._evidence(low)) if low else Keep()

    def _evidence(self, low: Levels) -> str:
        sizes = {dimension.name: len(dimension.levels) for dimension in self.rule.rubric.dimensions}
        words = [f"{name} {level} of {sizes[name]}: {reason}" for name, (level, reason) in low.items()]
        said_by = "the teacher itself judges: " if self.rule.same_as_teacher else ""
        return (said_by + "; ".join(words))[:_SHOWN]
