"""Overfitting: better on what was learned than on what was not."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.shown import Shown, drawn
from tasks.failure_modes.verdicts import FEWEST_ROWS, estimate, fires, not_measured, percent, points
from tasks.models import Answer
from tasks.rows import Kept, Scored, conversation
from tasks.statistics import difference_interval, mean_interval


class Pair(NamedTuple):
    """A row that was learned, and a row like it that was held out, as student and teacher answered it."""

    learned: Kept
    held: Kept
    student: Scored
    teacher: Scored


class Overfitting(BaseModel):
    """Fires where the student agrees with the teacher more on rows that it learned than on rows like them.

    Agreement with the teacher on both sides, so that the teacher's own errors in the holdout are no gap.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.25, ge=0, le=1, description="The gap in score: by more, the student knows rows and not the task."
    )
    rows: int = Field(default=60, ge=FEWEST_ROWS, description="Training rows that the student is asked once more.")

    def pairs(self, shown: Shown) -> list[Pair]:
        """Learned rows, each beside the free holdout row that is nearest in length, of the same slice where one is."""
        free = [Pair(row, row, *found) for row in shown.parts["holdout"] if (found := _answered(shown, row))]
        pairs: list[Pair] = []
        for row in drawn(shown.trained, "overfitting", min(self.rows, len(free))):
            nearest = min(range(len(free)), key=lambda at: _distance(row, free[at].held))
            pairs.append(free.pop(nearest)._replace(learned=row))
        return pairs

    def examine(self, shown: Shown, pairs: Sequence[Pair], answers: Sequence[Answer]) -> FailureMode:
        """What the student's answers to the learned rows of the pairs show."""
        if len(pairs) < FEWEST_ROWS:
            why = (
                f"{len(shown.trained)} learned rows and {len(shown.parts['holdout'])} held out make {len(pairs)} pairs"
            )
            return not_measured("overfitting", self.threshold, why)
        learned = [
            0.0 if answer.error else shown.mark(answer.text, pair.learned["completion"])
            for pair, answer in zip(pairs, answers, strict=True)
        ]
        held = [shown.mark(pair.student["text"], pair.teacher["text"]) for pair in pairs]
        groups = [pair.held["group"] for pair in pairs]
        on_learned, on_held = mean_interval(learned, groups), mean_interval(held, groups)
        gap = difference_interval(learned, held, groups)
        return FailureMode(
            mode="overfitting",
            fires=fires(self.threshold, gap),
            words=f"on {len(pairs)} rows that it learned the student agrees with the teacher by {percent(on_learned)}, "
            f"on as many like them by {percent(on_held)}: a gap of {points(gap)}",
            threshold=self.threshold,
            estimates=[
                estimate(gap, "overfitting", "train"),
                estimate(on_learned, "agreement", "train"),
                estimate(on_held, "agreement", "holdout"),
            ],
        )


def _answered(shown: Shown, row: Kept) -> tuple[Scored, Scored] | None:
    """The student's and the teacher's answer to a holdout row, where the teacher's could have been learned."""
    student, teacher = shown.answer("student", "holdout", row), shown.answer("teacher", "holdout", row)
    if student is None or teacher is None or teacher["error"] or shown.mark(teacher["text"], teacher["text"]) < 1:
        return None
    return student, teacher


def _distance(learned: Kept, held: Kept) -> tuple[bool, float, str]:
    lengths = [1 + len(conversation(row)) for row in (learned, held)]
    return learned["slice"] != held["slice"], abs(math.log(lengths[0] / lengths[1])), held["id"]
