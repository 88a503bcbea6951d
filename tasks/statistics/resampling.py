"""Intervals of metrics that are no means, by drawing groups again: macro-F1, perplexity, ratios."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tasks.statistics.exact import Limits, student
from tasks.statistics.grouping import average_size
from tasks.statistics.intervals import Interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_DRAWS, _SEED, _CELLS = 1_000, 20261123, 2**22


def resampled(
    statistic: "Callable[[Numbers], Numbers]", sums: "Numbers", sizes: "NDArray[np.intp]", ends: "Sequence[Numbers]"
) -> Interval:
    """A statistic of sums over rows, with its interval.

    `sums` holds a group's sums in a row, `sizes` its rows. `statistic` takes sums, a draw a row, and gives a value a
    draw: `lambda sums: numpy.exp(sums[:, 0] / sums[:, 1])` is the perplexity where the columns are log losses and
    tokens. `ends` says what one row more could add: for each end of the scale some rows, of which a draw takes one.

    Groups are drawn with replacement, and the percentiles taken further out by Student's t where groups are few
    (Hesterberg 2015). Each draw adds a group of average size at each end, of exponential weight as in Rubin's Bayesian
    bootstrap (1981): what no row has shown yet. Without it the interval collapses where a metric is near its end, and
    BCa collapses with it (tests/benchmarks/test_intervals.py). The same sums in any order give the same interval.
    """
    import numpy as np

    value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
    draws = statistic(_drawn(sums, average_size(sizes), ends))
    tail = _tail(len(sums))
    limits = Limits(*np.quantile(draws, [tail, 1 - tail]).tolist())
    return Interval.of(value, limits, int(sizes.sum()), len(sums))


def _tail(groups: int) -> float:
    """The share of draws beyond each limit."""
    if groups < 2:
        return 0.0
    reach = math.sqrt(groups / (groups - 1)) * student(groups - 1)
    return math.erfc(reach / math.sqrt(2)) / 2


def _drawn(sums: "Numbers", size: float, ends: "Sequence[Numbers]") -> "Numbers":
    """The sums of each draw. Groups with the same sums are drawn together: what counts is how often."""
    import numpy as np

    generator = np.random.default_rng(_SEED)
    _, first, alike = np.unique(_as_one(sums), return_index=True, return_counts=True)
    different = sums[first]
    chunk = max(1, _CELLS // len(different))
    drawn = np.concatenate(
        [
            generator.multinomial(len(sums), alike / len(sums), min(chunk, _DRAWS - start)) @ different
            for start in range(0, _DRAWS, chunk)
        ]
    )
    for rows in ends:
        weights = size * generator.exponential(size=(_DRAWS, 1))
        drawn += weights * rows[generator.integers(len(rows), size=_DRAWS)]
    return drawn


def _as_one(sums: "Numbers") -> "NDArray[np.void]":
    """Each row as one value, which numpy sorts ten times as fast as a row of many."""
    import numpy as np

    sums = np.ascontiguousarray(sums)
    return sums.view(np.dtype((np.void, sums.itemsize * sums.shape[1]))).ravel()
