"""Simulated weeks of audits: a student that agrees as often as it is told to, on rows drawn for the audit."""

from collections.abc import Callable, Sequence

import numpy as np

from tasks.evidence import ALL
from tasks.monitoring import Judged, MonitorConfig
from tasks.monitoring.agreement import surest
from tasks.monitoring.comparing import Moments, Strata
from tasks.monitoring.records import Drawn

WEEKS = 52


def judged(
    draw: np.random.Generator, rate: float, count: int, slice: str = "all", drawn: Drawn = "all"
) -> list[Judged]:
    """Rows on which the student agrees so often."""
    right = draw.random(count) < rate
    return [Judged(f"{at}", slice, f"{at}", drawn, {"exact": float(each)}, {}) for at, each in enumerate(right)]


def agreed(draw: np.random.Generator, rate: float, rows: int) -> Strata:
    """What so many rows come to, of which the student agrees on so many in the mean."""
    right = float(draw.binomial(rows, rate))
    return {ALL: Moments(rows, right, right)}


def noticed(
    promotion: Strata, looks: Sequence[Strata], config: MonitorConfig, first: int = 0, looks_a_year: int = WEEKS
) -> int | None:
    """The first look, from the first one named, at which a drop over all rows is found."""
    allowed = config.false_alarms / looks_a_year
    for at in range(first, len(looks)):
        if surest("exact", ALL, promotion, looks[: at + 1], allowed, config).found == "yes":
            return at
    return None


def weeks_to_notice(
    draw: np.random.Generator, rows: int, holdout: int, rate: Callable[[int], float], onset: int, weeks: int
) -> int | None:
    """After how many weeks a drop is found that comes with a week, of audits of so many rows; None where none is."""
    looks = [agreed(draw, rate(week), rows) for week in range(weeks)]
    found = noticed(agreed(draw, rate(-1), holdout), looks, MonitorConfig(), onset)
    return None if found is None else found - onset + 1
