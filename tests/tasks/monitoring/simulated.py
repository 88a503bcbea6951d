"""Simulated weeks of audits: a student that agrees as often as it is told to, on rows drawn for the audit."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tasks.evidence import Watched
from tasks.monitoring import Audit, Judged, MonitorConfig, watched
from tasks.monitoring.records import Drawn

WEEKS = 52
Rate = Callable[[int, str], float]
"""How often the student agrees, by week and slice."""


def judged(
    draw: np.random.Generator, rate: float, count: int, slice: str = "all", drawn: Drawn = "all"
) -> list[Judged]:
    right = draw.random(count) < rate
    return [Judged(f"{at}", slice, f"{at}", drawn, {"exact": float(each)}, {}) for at, each in enumerate(right)]


def audits(draw: np.random.Generator, rate: Rate, rows: dict[str, int], weeks: int, floor: int = 0) -> Iterator[Audit]:
    """Weekly audits of so many rows a slice, drawn from all; and rows of its own for a slice short of the floor."""
    for week in range(weeks):
        found: list[Judged] = []
        for name, count in rows.items():
            here = int(draw.poisson(count)) if count < 20 else count
            found += judged(draw, rate(week, name), here, name)
            found += judged(draw, rate(week, name), max(0, floor - here), name, "slice")
        yield Audit(float(week), 1 / WEEKS, rows, [], found)


def noticed(
    promotion: Sequence[Judged], audits: Sequence[Audit], config: MonitorConfig, first: int = 0
) -> tuple[int, Watched] | None:
    """The first week at which a drop is found, and which; looked at anew every week, from the first one named."""
    for week in range(first, len(audits)):
        found = [each for each in watched(promotion, audits[: week + 1], ["exact"], config) if each.found == "yes"]
        if found:
            return week, found[0]
    return None
