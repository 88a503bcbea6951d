"""How sure a score is: 95 % intervals for means and for paired differences, rows of one group counting as related."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple, Self

from tasks.statistics.exact import Limits, Z, clopper_pearson, discordant, student
from tasks.statistics.grouping import Grouped, grouped, worth


class Interval(NamedTuple):
    """A mean with its 95 % interval, the rows and the groups that it rests on."""

    mean: float
    low: float
    high: float
    n: int
    groups: int

    @classmethod
    def of(cls, mean: float, limits: Limits, n: int, groups: int) -> Self:
        """The interval, its limits to twelve places, to which all machines agree; the mean is never outside."""
        return cls(mean, min(mean, round(limits.low, 12)), max(mean, round(limits.high, 12)), n, groups)


def mean_interval(values: Sequence[float], groups: Sequence[Hashable]) -> Interval:
    """The mean of scores in [0, 1] with its interval.

    Where all are right or wrong, Clopper and Pearson's exact limits (1934), in groups at the number of rows that they
    are worth, corrected for the degrees of freedom (Korn and Graubard 1998; the United States' National Center for
    Health Statistics holds to it, Parker et al. 2017). Other scores have Student's interval with one row more at each
    end of the scale, so that it keeps a width where all agree and heeds the rare row that would not.
    """
    if not len(values):
        return Interval(0.0, 0.0, 1.0, 0, 0)
    rows = grouped(values, groups)
    limits = _share(rows) if _only(rows, 0, 1) else _student(rows, 0.0, 1.0)
    return Interval.of(rows.mean, limits, len(rows.values), len(rows.sizes))


def difference_interval(first: Sequence[float], second: Sequence[float], groups: Sequence[Hashable]) -> Interval:
    """The mean of `first - second` over the same rows with its interval; both have scores in [0, 1].

    Student's interval with one row more at each end of the scale, which for pairs that are right or wrong is Bonett and
    Price's (2012); in groups at the number of rows that they are worth. Of independent pairs that are right or wrong it
    excludes no difference only where McNemar's exact test rejects it too.
    """
    if not len(first):
        return Interval(0.0, -1.0, 1.0, 0, 0)
    rows = grouped([one - two for one, two in zip(first, second, strict=True)], groups)
    limits = _student(rows, -1.0, 1.0)
    if rows.independent and not limits.low <= 0 <= limits.high and _only(rows, -1, 0, 1):
        limits = _no_sooner_than_mcnemar(rows, limits)
    return Interval.of(rows.mean, limits, len(rows.values), len(rows.sizes))


def _only(rows: Grouped, *levels: float) -> bool:
    return set(rows.values.tolist()) <= set(levels)


def _no_sooner_than_mcnemar(rows: Grouped, limits: Limits) -> Limits:
    exact = discordant(int((rows.values > 0).sum()), int((rows.values < 0).sum()), len(rows.values))
    if exact.low > 0 or exact.high < 0:
        return limits
    return Limits(min(limits.low, exact.low), max(limits.high, exact.high))


def _share(rows: Grouped) -> Limits:
    """Groups that all agree count once each: no variance shows, so none can be estimated."""
    if rows.independent:
        return clopper_pearson(float(rows.values.sum()), len(rows.values))
    if rows.mean in (0.0, 1.0):
        return clopper_pearson(rows.mean * len(rows.sizes), len(rows.sizes))
    count, freedom = worth(rows, 0.0, 1.0)
    count *= (Z / student(freedom)) ** 2
    return clopper_pearson(rows.mean * count, count)


def _student(rows: Grouped, lowest: float, highest: float) -> Limits:
    """Student's interval of as many rows as these are worth, and of one more at each end of the scale."""
    count, freedom = worth(rows, lowest, highest)
    more = count + 2
    centre = (rows.mean * count + lowest + highest) / more
    squares = count * float(((rows.values - centre) ** 2).mean()) + (lowest - centre) ** 2 + (highest - centre) ** 2
    reach = student(freedom + 2 * rows.independent) * math.sqrt(squares / (more - 1) / more)
    return Limits(max(lowest, centre - reach), min(highest, centre + reach))
