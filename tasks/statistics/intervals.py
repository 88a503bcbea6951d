"""How sure a score is: 95 % intervals for means and for paired differences, rows of one group counting as related."""

import math
from collections.abc import Hashable, Sequence
from typing import NamedTuple

_Z = 1.959963984540054  # the 97.5 % point of the standard normal distribution


class Interval(NamedTuple):
    """A mean with its 95 % interval, the rows and the groups that it rests on."""

    mean: float
    low: float
    high: float
    n: int
    groups: int


def mean_interval(values: Sequence[float], groups: Sequence[Hashable]) -> Interval:
    """The mean of scores in [0, 1] with Wilson's interval at the effective number of rows.

    The effective number is n over the design effect of the groups (Korn and Graubard 1998; Wilson limits at the
    effective sample size after Dean and Pagano 2015), at most n. Where no variance shows, as at 0 and 1, it is the
    number of groups.
    """
    n = len(values)
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0, 0)
    mean = math.fsum(values) / n
    residuals = _sums([value - mean for value in values], groups)
    low, high = _wilson(mean, _effective_rows(mean, n, residuals))
    return Interval(mean, low, high, n, len(residuals))


def difference_interval(first: Sequence[float], second: Sequence[float], groups: Sequence[Hashable]) -> Interval:
    """The mean of `first - second` over the same rows with its 95 % interval.

    Newcombe's square-and-add with the corrected correlation of the pair (1998, method 10), from limits that heed the
    groups. It does not collapse where all pairs agree, as resampling does.
    """
    one, two = mean_interval(first, groups), mean_interval(second, groups)
    if one.n == 0:
        return Interval(0.0, -1.0, 1.0, 0, 0)
    correlation = _correlation([value - one.mean for value in first], [value - two.mean for value in second], groups)
    difference = one.mean - two.mean
    below = _square_and_add(one.mean - one.low, two.high - two.mean, correlation)
    above = _square_and_add(one.high - one.mean, two.mean - two.low, correlation)
    return Interval(difference, max(-1.0, difference - below), min(1.0, difference + above), one.n, one.groups)


def rows_to_settle(interval: Interval, bound: float) -> int:
    """About how many rows would bring the interval to one side of the bound, if the mean stays where it is.

    The width of an interval shrinks with the square root of its rows. A mean within half a point of the bound is taken
    to be half a point from it.
    """
    distance = abs(interval.mean - bound)
    reach = interval.mean - interval.low if interval.mean > bound else interval.high - interval.mean
    return math.ceil(interval.n * (reach / max(distance, 0.005)) ** 2)


def _sums(values: Sequence[float], groups: Sequence[Hashable]) -> list[float]:
    sums: dict[Hashable, float] = {}
    for value, group in zip(values, groups, strict=True):
        sums[group] = sums.get(group, 0.0) + value
    return list(sums.values())


def _effective_rows(mean: float, n: int, residuals: list[float]) -> float:
    count = len(residuals)
    variance = _squares(residuals) / n**2
    if count < 2 or variance < 1e-12:
        return count
    independent = mean * (1 - mean) / n
    return min(float(n), n * independent / (variance * count / (count - 1)))


def _wilson(mean: float, n: float) -> tuple[float, float]:
    centre = (mean + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(max(0.0, mean * (1 - mean)) / n + _Z**2 / (4 * n**2))
    return max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half))


def _correlation(first: list[float], second: list[float], groups: Sequence[Hashable]) -> float:
    """The correlation of two rows of residuals, by group; a positive one is corrected for continuity.

    The correction is Newcombe's n/2, which is 1/2 in sums of products, times the design effect of the groups.
    """
    one, two = _sums(first, groups), _sums(second, groups)
    spread = math.sqrt(_squares(one) * _squares(two))
    if spread < 1e-12:
        return 0.0
    together = math.fsum(a * b for a, b in zip(one, two, strict=True))
    correction = 0.5 * spread / math.sqrt(_squares(first) * _squares(second))
    return (max(0.0, together - correction) if together > 0 else together) / spread


def _squares(values: list[float]) -> float:
    return math.fsum(value**2 for value in values)


def _square_and_add(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(0.0, first**2 - 2 * correlation * first * second + second**2))
