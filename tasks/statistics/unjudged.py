"""What rows without a readable verdict may hide."""

import math

from tasks.statistics.exact import Z
from tasks.statistics.intervals import Interval


def with_unjudged(interval: Interval, unjudged: int, lowest: float = 0.0, highest: float = 1.0) -> Interval:
    """The interval of the judged rows, widened to hold whatever the `unjudged` rows would have been.

    Worst-case bounds (Horowitz and Manski 2000): all of them at one end of the scale, or all at the other; that their
    share varies from one holdout to the next counts too. `lowest` is -1 for a difference. The mean, the rows and the
    groups stay those that were judged.
    """
    if not unjudged or not interval.n:
        return interval
    judged = interval.n / (interval.n + unjudged)
    error = Z * math.sqrt(judged * (1 - judged) / (interval.groups / judged))

    def reach(limit: float, extreme: float) -> float:
        return math.hypot(judged * (interval.mean - limit), error * (interval.mean - extreme))

    low = judged * interval.mean + (1 - judged) * lowest - reach(interval.low, lowest)
    high = judged * interval.mean + (1 - judged) * highest + reach(interval.high, highest)
    return interval._replace(low=max(lowest, low), high=min(highest, high))
