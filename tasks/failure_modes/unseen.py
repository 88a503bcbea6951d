"""Unseen slices: what became of inputs of kinds that the student never learned."""

import math

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.shown import Shares, Shown, compared
from tasks.failure_modes.verdicts import (
    FEWEST_ROWS,
    WITHOUT_BASE,
    WITHOUT_SCORER,
    difference,
    estimate,
    fires,
    not_measured,
    opposite,
    percent,
    points,
    worst,
)
from tasks.statistics import Interval


class Unseen(BaseModel):
    """Fires where the student falls further on unseen slices than the teacher does, or falls below the base there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="How much more of its score than the teacher the student may lose from holdout to unseen rows.",
    )

    def examine(self, shown: Shown) -> FailureMode:
        """What the scores on holdout and unseen rows show."""
        if not shown.scorers:
            return not_measured("unseen", self.threshold, WITHOUT_SCORER)
        if len(shown.parts["unseen"]) < FEWEST_ROWS:
            return not_measured("unseen", self.threshold, f"{len(shown.parts['unseen'])} rows of unseen slices")
        if shown.answer("base", "unseen", shown.parts["unseen"][0]) is None:
            return not_measured("unseen", self.threshold, WITHOUT_BASE)
        held, unseen = _beside(shown, "holdout", "teacher"), _beside(shown, "unseen", "teacher")
        base = _beside(shown, "unseen", "base")
        gap, below = _apart(held.difference, unseen.difference), opposite(base.difference)
        return FailureMode(
            mode="unseen",
            fires=worst(fires(self.threshold, gap), fires(0.0, below)),
            words=f"on unseen slices the student scores {percent(unseen.student)} and the base {percent(base.other)}; "
            f"from holdout to unseen it loses {points(gap)} more than the teacher",
            threshold=self.threshold,
            estimates=[
                estimate(gap, "unseen", "unseen"),
                estimate(below, "below_base", "unseen"),
                estimate(held.student, "score", "holdout"),
                estimate(unseen.student, "score", "unseen"),
            ],
            differences=[
                difference(unseen.difference, "score", "unseen", "teacher"),
                difference(base.difference, "score", "unseen", "base"),
            ],
        )


def _beside(shown: Shown, part: str, other: str) -> Shares:
    groups = [row["group"] for row in shown.parts[part]]
    return compared(shown.scores(part, "student"), shown.scores(part, other), groups)


def _apart(first: Interval, second: Interval) -> Interval:
    """The first less the second, which rest on other rows: square and add (Newcombe, 1998)."""
    mean = first.mean - second.mean
    low = math.hypot(first.mean - first.low, second.high - second.mean)
    high = math.hypot(first.high - first.mean, second.mean - second.low)
    return Interval(mean, mean - low, mean + high, first.n + second.n, first.groups + second.groups)
