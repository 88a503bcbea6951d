"""The bounds that a rule is held on, where 95 % is not sure enough or where rows failed.

Evidence states 95 % intervals. A bound b of a mean m is read as Wilson's: (m − b)² = c · b (1 − b), where c is the
squared normal quantile over the effective number of rows (Wilson 1927), so that it can be moved to another confidence
or another mean without the rows.
"""

import math
from statistics import NormalDist

from tasks.evidence import Difference, Estimate
from tasks.statistics import Interval

STATED = 0.95


def at_confidence(seen: Estimate, compared: tuple[Estimate, Estimate] | None, confidence: float) -> Interval:
    """The interval of an estimate, or of a difference between the two compared, at a confidence."""
    if confidence == STATED:
        return Interval(seen.mean, seen.low, seen.high, seen.n, seen.groups)
    further = _quantile(confidence) / _quantile(STATED)
    if not isinstance(seen, Difference):
        low, high = _moved(seen.mean, seen.low, further), _moved(seen.mean, seen.high, further)
        return Interval(seen.mean, low, high, seen.n, seen.groups)
    below, above = _reaches(compared, further)
    low = max(-1.0, seen.mean - below * (seen.mean - seen.low))
    high = min(1.0, seen.mean + above * (seen.high - seen.mean))
    return Interval(seen.mean, low, high, seen.n, seen.groups)


def failed_as_one(seen: Estimate) -> Estimate:
    """The estimate, had every failed row scored 1 and not 0: the worst for a metric that must stay low."""
    if not seen.failed or not seen.n:
        return seen
    mean = min(1.0, seen.mean + seen.failed / seen.n)
    c = _spread(seen.mean, seen.high)
    return seen.model_copy(update={"mean": mean, "low": _bound(mean, c, -1), "high": _bound(mean, c, 1)})


def corrected(confidence: float, looks: int) -> float:
    """The confidence of each of several looks, so that all together have the one given (Bonferroni)."""
    return 1 - (1 - confidence) / looks


def _reaches(compared: tuple[Estimate, Estimate] | None, further: float) -> tuple[float, float]:
    """By how much a difference's interval grows below and above: as the root of both squared reaches does.

    By the square of the quantiles' ratio, the most that Wilson's bound can grow by, where the two are not known.
    """
    if compared is None:
        return further**2, further**2
    first, second = compared
    below = [(first.mean, first.low), (second.mean, second.high)]
    above = [(first.mean, first.high), (second.mean, second.low)]
    return _growth(below, further), _growth(above, further)


def _growth(bounds: list[tuple[float, float]], further: float) -> float:
    before = math.hypot(*(mean - bound for mean, bound in bounds))
    after = math.hypot(*(mean - _moved(mean, bound, further) for mean, bound in bounds))
    return after / before if before else 1.0


def _moved(mean: float, bound: float, further: float) -> float:
    return _bound(mean, _spread(mean, bound) * further**2, 1 if bound > mean else -1) if bound != mean else bound


def _spread(mean: float, bound: float) -> float:
    """c of a bound; one at the end of the scale is as wide as can be."""
    return (mean - bound) ** 2 / max(bound * (1 - bound), 1e-12)


def _bound(mean: float, c: float, side: int) -> float:
    half = math.sqrt(c * c / 4 + c * mean * (1 - mean))
    return min(1.0, max(0.0, (mean + c / 2 + side * half) / (1 + c)))


def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
