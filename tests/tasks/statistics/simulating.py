"""Rows whose truth is known: how often an interval holds it, and how wide it is."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tasks.statistics import Interval

SEED = 20261123


class Layout(NamedTuple):
    """How rows come in groups, and how alike the rows of a group are (the correlation of any two of them)."""

    sizes: Sequence[int]
    correlation: float = 0.0

    @property
    def groups(self) -> list[int]:
        return [number for number, size in enumerate(self.sizes) for _ in range(size)]


class Seen(NamedTuple):
    """The share of intervals that hold the truth, that lie wholly above it, and their mean width."""

    coverage: float
    above: float
    width: float


def even(groups: int, size: int, correlation: float = 0.0) -> Layout:
    return Layout([size] * groups, correlation)


def uneven(rows: int, correlation: float = 0.0) -> Layout:
    """Groups of 1 to 20 rows."""
    draw, sizes = np.random.default_rng(SEED), []
    while sum(sizes) < rows:
        sizes.append(min(int(draw.integers(1, 21)), rows - sum(sizes)))
    return Layout(sizes, correlation)


def luck(draw: np.random.Generator, layout: Layout) -> Any:
    """A number in [0, 1] a row; rows take their group's with such a probability that any two correlate as wanted."""
    own, shared = draw.random(sum(layout.sizes)), draw.random(len(layout.sizes))
    return np.where(draw.random(len(own)) < layout.correlation**0.5, np.repeat(shared, layout.sizes), own)


def beta_binomial(draw: np.random.Generator, layout: Layout, rate: float) -> Any:
    """Right or wrong, a row; each group has a rate of its own from a beta distribution."""
    if not layout.correlation:
        return (draw.random(sum(layout.sizes)) < rate).astype(float)
    both = 1 / layout.correlation - 1
    rates = draw.beta(both * rate, both * (1 - rate), len(layout.sizes))
    return (draw.random(sum(layout.sizes)) < np.repeat(rates, layout.sizes)).astype(float)


def simulated(interval: Callable[[np.random.Generator], Interval], truth: float, times: int) -> Seen:
    draw = np.random.default_rng(SEED)
    found = np.asarray([interval(draw)[1:3] for _ in range(times)])
    low, high = found.T
    held = (low <= truth + 1e-12) & (truth - 1e-12 <= high)
    return Seen(float(held.mean()), float((low > truth + 1e-12).mean()), float((high - low).mean()))
