"""Inputs that nearly repeat each other, answered in ways that cannot both be right."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.rows import conversation
from tasks.rules.said import check_fields, counted, said
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict
from tasks.similarity import clusters

_LABEL_WORDS = 5  # a longer answer is prose, and prose may say the same in other words


class _Cluster:
    """Answers of rows whose conversations nearly repeat each other, by row, and as votes."""

    def __init__(self) -> None:
        self.by_row: dict[str, Counter[str]] = {}
        self.votes, self.approved = Counter[str](), Counter[str]()
        self.first: dict[str, list[str]] = {}

    def add(self, candidate: Candidate, answer: str) -> None:
        row = candidate.row["id"]
        self.by_row.setdefault(row, Counter())[answer] += 1
        self.votes[answer] += 1
        self.approved[answer] += candidate.approved
        rows = self.first.setdefault(answer, [])
        if len(rows) < 2 and row not in rows:
            rows.append(row)

    def others(self, candidate: Candidate) -> Counter[str]:
        """The votes of the other rows; several answers to a row are for `agreement`."""
        return self.votes - self.by_row.get(candidate.row["id"], Counter())

    def row_with(self, answer: str, but_for: str) -> str:
        """A row that has this answer, another one than that named."""
        return next(row for row in self.first[answer] if row != but_for)


class Contradiction(BaseModel):
    """Drops, of rows whose conversations nearly repeat each other, those whose answer most of the others contradict.

    Each row votes with those that it is connected to by near-repetition: the minority goes, all of them where the vote
    is tied, and an approved answer outvotes any number. Set it before `near_duplicate`, which leaves one row of each
    such cluster.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["contradiction"]
    fields: list[str] = Field(
        default=[], description="The JSON fields that must agree; where empty, whole answers of at most five words."
    )
    similarity: float = Field(default=0.9, gt=0, le=1, description="How alike two conversations are that ask the same.")

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order. Raises `ProjectError` where no answer has one of the fields."""
        check_fields(self.rule, self.fields, (candidate.text for candidate in candidates))
        comparable = [(each, answer) for each in candidates if (answer := self._answer(each.text)) is not None]
        alike = clusters([conversation(each.row) for each, _ in comparable], self.similarity)
        found: dict[int, _Cluster] = {}
        cluster_of: dict[str, _Cluster] = {}
        for cluster, (candidate, answer) in zip(alike, comparable, strict=True):
            own = cluster_of[candidate.row["id"]] = found.setdefault(cluster, _Cluster())
            own.add(candidate, answer)
        return (self._verdict(each, cluster_of.get(each.row["id"])) for each in candidates)

    def _verdict(self, candidate: Candidate, alike: _Cluster | None) -> Verdict:
        own, row = self._answer(candidate.text), candidate.row["id"]
        others = alike.others(candidate) if alike else Counter[str]()
        opposed = [answer for answer in others if answer != own]
        if alike is None or own is None or not opposed or candidate.approved:
            return Keep()
        approved = Counter({answer: alike.approved[answer] for answer in others if alike.approved[answer]})
        votes = approved or others + Counter([own])
        if all(votes[own] > count for answer, count in votes.items() if answer != own) and votes[own]:
            return Keep()
        other = max((answer for answer in approved if answer != own), key=votes.__getitem__, default=opposed[0])
        told = "approved: " if approved else ""
        evidence = f"nearly repeats {alike.row_with(other, row)}; {told}{counted(votes)}; not {own[:80]}"
        return Drop("contradiction", evidence)

    def _answer(self, text: str) -> str | None:
        answer = said(text, self.fields)
        return answer if self.fields or len(answer.split()) <= _LABEL_WORDS else None
