"""What so many rows could have shown, and how many would show it."""

import math
from bisect import bisect_left

from tasks.statistics.exact import Z
from tasks.statistics.intervals import Interval

_POWER = 0.8416212335729143 / Z
"""The 80 % point of the standard normal distribution, in units of the 97.5 % point."""
_MOST = 10**12


def detectable_difference(interval: Interval) -> float:
    """The smallest true difference that so many rows would have shown with a probability of 0.8, at 95 % two-sided.

    The interval's own standard error times 1.96 + 0.84 (Cohen 1988), and a little more: where a difference is, more
    pairs differ, which adds between none and all of it to their variance; half is taken.
    """
    found = (1 + _POWER) * max(interval.mean - interval.low, interval.high - interval.mean)
    added = (Z * (1 + _POWER)) ** 2 / 4 / max(1, interval.groups)
    return min(1.0, added + math.hypot(added, found))


def rows_to_settle(interval: Interval, bound: float) -> int:
    """About how many rows would bring the interval to one side of the bound four times in five, if the mean is true.

    The width of an interval shrinks with the square root of its rows, and with the rows themselves how far its middle
    lies from the mean. A mean within half a point of the bound is taken to be half a point from it.
    """
    distance = max(abs(interval.mean - bound), 0.005)
    half = (interval.high - interval.low) / 2
    beyond = (interval.low + interval.high) / 2 - interval.mean
    toward = beyond if interval.mean < bound else -beyond
    spread = math.sqrt(max(0.0, half**2 - beyond**2))

    def settled(rows: int) -> bool:
        share = max(1, interval.n) / rows
        reach = toward * share + math.hypot(spread * math.sqrt(share), beyond * share)
        return reach + _POWER * spread * math.sqrt(share) <= distance

    return 1 + bisect_left(range(1, _MOST), True, key=settled)
