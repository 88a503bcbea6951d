"""Several answers to one row: the one that most of them agree on is kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.rules.said import check_fields, counted, said
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict


class Agreement(BaseModel):
    """Keeps, of several teachers' or samples' answers to a row, the first of those that most agree on.

    The minority is dropped as `outvoted`, what agrees with the one kept as `other_answer`, and all of them as
    `disagreement` where too few agree or the vote is tied; the votes are the evidence. Majority over samples after Wang
    et al., "Self-Consistency" (2022).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["agreement"]
    fields: list[str] = Field(default=[], description="The JSON fields that must agree; the whole answer where empty.")
    at_least: float = Field(default=0.5, gt=0, le=1, description="The share of answers that must agree, two at least.")

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order. Raises `ProjectError` where no answer has one of the fields."""
        check_fields(self.rule, self.fields, (candidate.text for candidate in candidates))
        votes: dict[str, Counter[str]] = {}
        for candidate in candidates:
            votes.setdefault(candidate.row["id"], Counter())[said(candidate.text, self.fields)] += 1
        chosen: set[str] = set()
        for candidate in candidates:
            yield self._verdict(candidate, votes[candidate.row["id"]], chosen)

    def _verdict(self, candidate: Candidate, votes: Counter[str], chosen: set[str]) -> Verdict:
        if votes.total() == 1:
            return Keep()
        (winner, most), *others = votes.most_common(2)
        tied = any(count == most for _, count in others)
        row, seen = candidate.row["id"], f"{most} of {votes.total()} agree: {counted(votes)}"
        if tied or most < 2 or most < self.at_least * votes.total():
            return Drop("disagreement", f"only {seen}")
        if said(candidate.text, self.fields) != winner:
            return Drop("outvoted", seen)
        if row in chosen:
            return Drop("other_answer", seen)
        chosen.add(row)
        return Keep(doubt="" if most == votes.total() else seen)
