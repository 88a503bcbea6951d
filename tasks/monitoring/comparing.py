"""Whether scores fell from one sample of rows to a later one: the size of the drop, and how surely it is one."""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple


class Moments(NamedTuple):
    """What of scores in [0, 1] decides a comparison: the independent rows, the sum, and the sum of squares."""

    rows: int = 0
    total: float = 0.0
    squares: float = 0.0

    @property
    def mean(self) -> float:
        """The mean score."""
        return self.total / self.rows

    def and_more(self, other: "Moments") -> "Moments":
        """Those of both samples together."""
        return Moments(self.rows + other.rows, self.total + other.total, self.squares + other.squares)


Strata = Mapping[str, Moments]
"""A sample's moments by slice."""

NOTHING = Moments()


def moments(values: Sequence[float], groups: Sequence[Hashable]) -> Moments:
    """The moments of scores; the rows of a group count as one, which is their mean."""
    by_group: dict[Hashable, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        by_group.setdefault(group, []).append(value)
    means = [math.fsum(own) / len(own) for own in by_group.values()]
    return Moments(len(means), math.fsum(means), math.fsum(mean**2 for mean in means))


def together(samples: Iterable[Strata]) -> dict[str, Moments]:
    """Several samples as one."""
    joined: dict[str, Moments] = {}
    for sample in samples:
        for name, own in sample.items():
            joined[name] = joined.get(name, NOTHING).and_more(own)
    return joined


def whole(sample: Strata) -> Moments:
    """A sample's moments over all slices."""
    return together({"": own} for own in sample.values()).get("", NOTHING)


class Drop(NamedTuple):
    """How far the mean fell at the later sample's mix of slices, and by how many standard errors; below 0 it rose."""

    size: float
    deviations: float


def drop(before: Strata, now: Strata) -> Drop:
    """How far `now` lies below `before`, slice by slice, each weighed by its share of `now`.

    So another mix of slices alone is no drop. A slice that was not there before is held to all that was. In each slice
    the signed root of the likelihood ratio of two binomials, which keeps its level in the tail where few rows go wrong
    (Barndorff-Nielsen 1986), its variance scaled down where scores vary less than right and wrong do (Wedderburn 1974);
    slices are joined with weights that suit one common drop.
    """
    every = whole(before)
    rows = sum(own.rows for own in now.values())
    if not rows or not every.rows:
        return Drop(0.0, 0.0)
    pairs = [(before.get(name, NOTHING), own) for name, own in now.items() if own.rows]
    found = [(own.rows / rows, _slice_drop(old if old.rows else every, own)) for old, own in pairs]
    weights = [1 / each.error for _, each in found]
    root = sum(weight * each.root for weight, (_, each) in zip(weights, found, strict=True))
    return Drop(sum(share * each.size for share, each in found), root / math.hypot(*weights))


class _SliceDrop(NamedTuple):
    size: float
    error: float
    root: float


def _slice_drop(before: Moments, now: Moments) -> _SliceDrop:
    both = before.and_more(now)
    size, mean = before.mean - now.mean, both.mean
    doubt = (both.total + 1) / (both.rows + 2)  # a row more at each end of the scale: no slice is wholly certain
    error = math.sqrt(doubt * (1 - doubt) * (1 / before.rows + 1 / now.rows))
    plain = mean * (1 - mean)
    if plain < 1e-12:
        return _SliceDrop(size, error, 0.0)
    narrower = max(1e-6, (both.squares - both.rows * mean**2) / (both.rows - 1) / plain)
    deviance = max(0.0, 2 * (_likelihood(before) + _likelihood(now) - _likelihood(both)))
    return _SliceDrop(size, error * math.sqrt(narrower), math.copysign(math.sqrt(deviance / narrower), size))


def _likelihood(sample: Moments) -> float:
    shares = (sample.mean, 1 - sample.mean)
    return sample.rows * sum(share * math.log(share) for share in shares if share > 1e-15)
