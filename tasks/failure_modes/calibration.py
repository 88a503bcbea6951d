"""Calibration: whether the student is as sure of its answers as it is right."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.shown import Shown, drawn
from tasks.failure_modes.verdicts import WITHOUT_SCORER, estimate, fires, not_measured, percent
from tasks.models.likelihood import answer_losses
from tasks.statistics import Interval, mean_interval
from tasks.systems import System

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FEWEST_ROWS, _MOST_BINS, _ROWS_A_BIN = 30, 10, 20
_DRAWS = 500


class Sure(NamedTuple):
    """How probable a token of its answer was to the student, on average, what the answer was worth, and its group."""

    confidence: float
    worth: float
    group: str


class Calibration(BaseModel):
    """Fires, where a threshold is set, if what the student's tokens promise is far from what its answers are worth.

    By default it is reported alone: only who uses the probabilities of answers is harmed by wrong ones.

    The confidence of an answer is the geometric mean of its tokens' probabilities; the expected calibration error is
    taken over bins of equally many rows (Nguyen and O'Connor, 2015), twenty in each and more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float | None = Field(
        default=None, ge=0, le=1, description="The expected calibration error; it is reported alone where left out."
    )
    rows: int = Field(default=100, ge=_FEWEST_ROWS, description="Holdout rows whose answers are read by the student.")

    @property
    def _bound(self) -> float:
        """The threshold; where none is set 1, above which no error lies."""
        return 1.0 if self.threshold is None else self.threshold

    def examine(self, shown: Shown, student: System) -> FailureMode:
        """What the probabilities of the student's answers to the holdout show."""
        if student.weights is None:
            return not_measured("calibration", self._bound, "the student's weights are not on this machine")
        if not shown.scorers:
            return not_measured("calibration", self._bound, WITHOUT_SCORER)
        answered = [
            (row, given["text"])
            for row in drawn(shown.parts["holdout"], "calibration", self.rows)
            if (given := shown.answer("student", "holdout", row)) is not None and given["text"]
        ]
        if len(answered) < _FEWEST_ROWS:
            return not_measured("calibration", self._bound, f"{len(answered)} of {_FEWEST_ROWS} answers to bin")
        losses = answer_losses(student.weights, [(student.request(row).messages, text) for row, text in answered])
        worth = shown.worth([text for _, text in answered], [row["reference"] for row, _ in answered])
        given = zip(answered, losses, worth, strict=True)
        return self.judge([Sure(exp(-loss), own, row["group"]) for (row, _), loss, own in given])

    def judge(self, sure: Sequence[Sure]) -> FailureMode:
        """What so sure answers show."""
        error, table = calibration_error(sure), bins(sure)
        groups = [each.group for each in sure]
        brier = mean_interval([(each.confidence - each.worth) ** 2 for each in sure], groups)
        confidence = mean_interval([each.confidence for each in sure], groups)
        worth = fmean(each.worth for each in sure)
        return FailureMode(
            mode="calibration",
            fires=fires(self._bound, error),
            words=f"the student is sure of its {len(sure)} answers by {confidence.mean:.1%} and they are worth "
            f"{worth:.1%}: a calibration error of {percent(error)} over {len(table)} bins"
            + ("" if self.threshold is not None else ", reported alone: no threshold is set"),
            threshold=self._bound,
            estimates=[
                estimate(error, "calibration", "holdout"),
                estimate(brier, "brier", "holdout"),
                estimate(confidence, "confidence", "holdout"),
            ],
            examples=[
                f"sure by {own[0].confidence:.2f} to {own[-1].confidence:.2f}: {len(own)} answers, worth "
                f"{fmean(each.worth for each in own):.2f}"
                for own in table
            ],
        )


def bins(sure: Sequence[Sure]) -> list[list[Sure]]:
    """The reliability table: answers by rising confidence, in bins of equally many."""
    ordered = sorted(sure)
    return [ordered[start:stop] for start, stop in pairwise([*_starts(len(ordered)), len(ordered)])]


def calibration_error(sure: Sequence[Sure]) -> Interval:
    """The expected calibration error, with an interval by resampling groups.

    The basic bootstrap's (Davison and Hinkley, 1997): bins of few rows make the error larger than it is, in a resample
    once more than in the sample, and what it adds there is taken off.
    """
    import numpy as np

    ordered = sorted(sure)
    numbers = {group: at for at, group in enumerate(dict.fromkeys(each.group for each in ordered))}
    groups = np.array([numbers[each.group] for each in ordered])
    gaps = np.array([each.confidence - each.worth for each in ordered])
    lot, found = np.random.default_rng(0), _error(gaps)
    drawn = (np.bincount(lot.integers(len(numbers), size=len(numbers)), minlength=len(numbers)) for _ in range(_DRAWS))
    again = [_error(np.repeat(gaps, counts[groups])) for counts in drawn]
    low, high = (float(2 * found - each) for each in np.quantile(again, [0.975, 0.025]))
    return Interval(found, max(0.0, min(found, low)), min(1.0, max(found, high)), len(sure), len(numbers))


def _error(gaps: "NDArray[np.float64]") -> float:
    """What the gaps, in order of confidence, come to over the bins."""
    import numpy as np

    return float(np.abs(np.add.reduceat(gaps, _starts(len(gaps)))).sum() / len(gaps))


def _starts(rows: int) -> list[int]:
    count = max(1, min(_MOST_BINS, rows // _ROWS_A_BIN))
    return [at * rows // count for at in range(count)]
