"""Rows that come in groups: how many independent rows they are worth, and with how many degrees of freedom."""

import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DOUBT = 5.0
"""The rows at each end of the scale that speak for rows of a group being all alike before any row is seen. Five is the
least with which means cover in tests/benchmarks/test_intervals.py where whole groups go wrong, and seldom do."""


class Grouped(NamedTuple):
    """A value a row, their mean, the number of the group that each row belongs to, and the rows of each group."""

    values: "NDArray[np.float64]"
    mean: float
    group: "NDArray[np.intp]"
    sizes: "NDArray[np.intp]"

    @property
    def independent(self) -> bool:
        """Whether every row is a group of its own."""
        return len(self.sizes) == len(self.values)


class Worth(NamedTuple):
    """The number of independent rows that grouped rows are worth, and the degrees of freedom of their variance."""

    rows: float
    freedom: float


def grouped(values: Sequence[float], groups: Sequence[Hashable]) -> Grouped:
    """The rows by group; there is at least one."""
    import numpy as np

    group = numbered(groups)
    if len(group) != len(values):
        raise ValueError(f"{len(values)} values, but {len(group)} groups: give one group for each value")
    mean = math.fsum(values) / len(values)
    return Grouped(np.asarray(values, np.float64), mean, group, np.bincount(group))


def numbered(groups: Sequence[Hashable]) -> "NDArray[np.intp]":
    """Groups by number, in the order in which they first come."""
    import numpy as np

    numbers: dict[Hashable, int] = {}
    return np.asarray([numbers.setdefault(group, len(numbers)) for group in groups], np.intp)


def average_size(sizes: "NDArray[np.intp]") -> float:
    """The size of the group that a row is in, on average over rows: the design effect where groups are all alike."""
    return float(sizes @ sizes / sizes.sum())


def worth(rows: Grouped, lowest: float, highest: float) -> Worth:
    """What rows whose values lie between `lowest` and `highest` are worth.

    The design effect is the variance between groups, each weighed up for its own pull on the mean (Bell and McCaffrey
    2002), over that of independent rows. The few groups in which something shows say little of it, so some rows speak
    for groups being all alike until enough is seen. Degrees of freedom are Satterthwaite's at the correlation within
    groups that the effect stands for (Imbens and Kolesár 2016), fewer where groups are few or of unequal sizes.
    """
    import numpy as np

    n, groups = len(rows.values), len(rows.sizes)
    if rows.independent:
        return Worth(n, n - 1)
    if groups == 1:
        return Worth(1.0, 1.0)
    residuals = rows.values - rows.mean
    between = (np.bincount(rows.group, residuals) ** 2 / (1 - rows.sizes / n)).sum()
    doubt = _DOUBT * ((rows.mean - lowest) ** 2 + (highest - rows.mean) ** 2)
    alike = average_size(rows.sizes)
    effect = max(1.0, float((between + alike * doubt) / (residuals @ residuals + doubt)))
    correlation = min(1.0, (effect - 1) / (alike - 1))
    weights = rows.sizes * (1 - correlation + correlation * rows.sizes)
    return Worth(n / effect, max(1.0, float(weights.sum() ** 2 / (weights @ weights)) - 1))
