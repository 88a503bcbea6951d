"""What a student showed: the rows that it learned and was judged on, and every system's answers to the latter."""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from statistics import fmean
from typing import NamedTuple

from typing_extensions import TypedDict

from tasks.artifacts import digest
from tasks.evidence import Difference, Estimate
from tasks.failure_modes.verdicts import difference, estimate
from tasks.rows import Kept, Scored
from tasks.scorers import Scorer, marks
from tasks.statistics import Interval, difference_interval, mean_interval

PARTS = ("holdout", "unseen")
_COMPARED = 100
FULL = 0.999
"""Full marks: an encoder finds a text as like itself as rounding lets it."""


class Beside(NamedTuple):
    """A row that was held out, the student's answer to it, and another system's."""

    row: Kept
    student: Scored
    other: Scored


class Shown:
    """The rows of each part, how the systems answered those that were held out, and what the answers are worth."""

    def __init__(
        self,
        scorers: Sequence[Scorer],
        trained: Sequence[Kept],
        holdout: Sequence[Kept],
        unseen: Sequence[Kept],
        scored: Sequence[Scored],
    ) -> None:
        self.trained, self.scorers = trained, scorers
        self.parts: dict[str, Sequence[Kept]] = {"holdout": holdout, "unseen": unseen}
        self._scored = {(each["system"], each["part"], each["id"]): each for each in scored}

    def beside(self, other: str, parts: Sequence[str] = PARTS) -> list[Beside]:
        """The student's answers beside another system's to the same rows, where both answered."""
        found = [
            Beside(row, self._scored["student", part, row["id"]], self._scored[other, part, row["id"]])
            for part in parts
            for row in self.parts[part]
            if ("student", part, row["id"]) in self._scored and (other, part, row["id"]) in self._scored
        ]
        return [each for each in found if not each.student["error"] and not each.other["error"]]

    def answer(self, system: str, part: str, row: Kept) -> Scored | None:
        """A system's answer to a row of a part, or None where it was not asked."""
        return self._scored.get((system, part, row["id"]))

    def worth(self, texts: Sequence[str], references: Sequence[str]) -> list[float]:
        """What each text is worth beside its reference: its mean score by the scorers that tell answers apart."""
        given = [_scores(scorer, texts, references) for scorer in self._telling]
        return [fmean(scores) for scores in zip(*given, strict=True)]

    def scores(self, part: str, system: str) -> list[float]:
        """The same of a system's answers to a part, in the order of its rows; 0 where it gave none."""
        names = [scorer.name for scorer in self._telling]
        given = [self._scored[system, part, row["id"]]["scores"] for row in self.parts[part]]
        return [fmean([scores[name] for name in names if name in scores] or [0.0]) for scores in given]

    @cached_property
    def _telling(self) -> list[Scorer]:
        """The scorers by which another row's reference is not as good as a row's own; all where none is such.

        What asks for a form alone, as a schema does, says nothing of whether the right thing was learned.
        """
        references = list(dict.fromkeys(row["reference"] for part in PARTS for row in self.parts[part]))[:_COMPARED]
        others = references[1:] + references[:1]
        found = [each for each in self.scorers if min(_scores(each, others, references), default=1.0) < FULL]
        return found or list(self.scorers)


def _scores(scorer: Scorer, texts: Sequence[str], references: Sequence[str]) -> list[float]:
    return [each.value for each in marks(scorer, texts, references)]


def drawn(rows: Sequence[Kept], purpose: str, count: int) -> list[Kept]:
    """As many of the rows, by a hash of what was said and the purpose: the same ones in every run."""
    return sorted(rows, key=lambda row: digest([purpose, row["messages"]]))[:count]


class Shares(NamedTuple):
    """A share of the student, of another system, and the difference."""

    student: Interval
    other: Interval
    difference: Interval


def compared(own: Sequence[float], others: Sequence[float], groups: Sequence[Hashable]) -> Shares:
    """What the student's values amount to beside another system's of the same rows."""
    return Shares(mean_interval(own, groups), mean_interval(others, groups), difference_interval(own, others, groups))


class Measured(TypedDict):
    """What a mode that compares shares with the teacher's puts into its record."""

    estimates: list[Estimate]
    differences: list[Difference]


def beside_teacher(found: Shares, mode: str, share: str) -> Measured:
    """A mode's own metric, which is the difference, and the shares that it comes from."""
    return Measured(
        estimates=[
            estimate(found.difference, mode, "all"),
            estimate(found.student, share, "all"),
            estimate(found.other, share, "all", "teacher"),
        ],
        differences=[difference(found.difference, share, "all", "teacher")],
    )


def compare(pairs: Sequence[Beside], holds: Callable[[Kept, str], float]) -> Shares:
    """How often something holds of the student's answers, and how much oftener than of the other's."""
    own = [holds(each.row, each.student["text"]) for each in pairs]
    others = [holds(each.row, each.other["text"]) for each in pairs]
    return compared(own, others, [each.row["group"] for each in pairs])
