"""Overfitting: better on what was learned than on what was not."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.shown import FULL, Shown, drawn
from tasks.failure_modes.verdicts import (
    FEWEST_ROWS,
    WITHOUT_SCORER,
    estimate,
    fires,
    not_measured,
    percent,
    points,
    too_many_failed,
)
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
        free = _answered(shown) if shown.scorers else []
        pairs: list[Pair] = []
        for row in drawn(shown.trained, "overfitting", min(self.rows, len(free))):
            nearest = min(range(len(free)), key=lambda at: _distance(row, free[at].held))
            pairs.append(free.pop(nearest)._replace(learned=row))
        return pairs

    def examine(self, shown: Shown, pairs: Sequence[Pair], answers: Sequence[Answer]) -> FailureMode:
        """What the student's answers to the learned rows of the pairs show."""
        if not shown.scorers:
            return not_measured("overfitting", self.threshold, WITHOUT_SCORER)
        if len(pairs) < FEWEST_ROWS:
            rows = len(shown.trained), len(shown.parts["holdout"])
            why = f"{rows[0]} learned rows and {rows[1]} held out make {len(pairs)} pairs"
            return not_measured("overfitting", self.threshold, why)
        whole = [
            (pair, answer)
            for pair, answer in zip(pairs, answers, strict=True)
            if not answer.error and not pair.student["error"]
        ]
        failed, asked = len(pairs) - len(whole), len(pairs)
        if too_many_failed(failed, asked):
            return not_measured("overfitting", self.threshold, f"{failed} of {asked} pairs have an answer that failed")
        pairs, answers = [pair for pair, _ in whole], [answer for _, answer in whole]
        learned = shown.worth([answer.text for answer in answers], [pair.learned["completion"] for pair in pairs])
        held = shown.worth([pair.student["text"] for pair in pairs], [pair.teacher["text"] for pair in pairs])
        groups = [pair.held["group"] for pair in pairs]
        on_learned, on_held = mean_interval(learned, groups), mean_interval(held, groups)
        gap = difference_interval(learned, held, groups)
        return FailureMode(
            mode="overfitting",
            fires=fires(self.threshold, gap),
            words=f"on {len(pairs)} rows that it learned the student agrees with the teacher by {percent(on_learned)}, "
            f"on as many like them by {percent(on_held)}: a gap of {points(gap)}"
            + (f"; {failed} pairs with an answer that failed are left out" if failed else ""),
            threshold=self.threshold,
            estimates=[
                estimate(gap, "overfitting", "train"),
                estimate(on_learned, "agreement", "train"),
                estimate(on_held, "agreement", "holdout"),
            ],
        )


def _answered(shown: Shown) -> list[Pair]:
    """The holdout rows, as pairs with themselves, where the teacher's answer could have been learned."""
    pairs = [
        Pair(row, row, student, teacher)
        for row in shown.parts["holdout"]
        if (student := shown.answer("student", "holdout", row)) and (teacher := shown.answer("teacher", "holdout", row))
    ]
    texts = [pair.teacher["text"] for pair in pairs]
    return [
        pair
        for pair, worth in zip(pairs, shown.worth(texts, texts), strict=True)
        if worth >= FULL and not pair.teacher["error"]
    ]


def _distance(learned: Kept, held: Kept) -> tuple[bool, float, str]:
    lengths = [1 + len(conversation(row)) for row in (learned, held)]
    return learned["slice"] != held["slice"], abs(math.log(lengths[0] / lengths[1])), held["id"]
