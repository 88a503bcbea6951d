"""How often intervals hold the truth, in simulation, and how wide they are beside a plain cluster-robust interval.

Asked: about 93.5 % or more everywhere, and of equal systems at most 2.5 % that look better. Rows of a group correlate
as said: each group has a rate of its own (beta), or some of its rows share their luck, so that a group goes wrong as a
whole (whole).

BENCH_TIMES=300 pytest tests/benchmarks/test_intervals.py -o addopts="-q -s"
"""

import os
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from tasks.statistics import Interval, difference_interval, macro_f1_interval, mean_interval
from tests.tasks.statistics.simulating import Layout, Seen, beta_binomial, even, luck, simulated, uneven
from tests.tasks.statistics.test_macro_f1 import simulate as answered
from tests.tasks.statistics.test_macro_f1 import sklearn
from tests.tasks.statistics.test_macro_f1 import truth as macro_f1

TIMES = int(os.environ.get("BENCH_TIMES", "1000"))
SINGLE = [even(20, 1), even(100, 1), even(500, 1), even(2000, 1)]
GROUPED: dict[str, Callable[[float], Layout]] = {
    "24 rows, 8 groups of 3": lambda alike: even(8, 3, alike),
    "77 rows, 8 groups of 1 to 20": lambda alike: Layout([1, 2, 4, 7, 10, 15, 18, 20], alike),
    "160 rows, 8 groups of 20": lambda alike: even(8, 20, alike),
    "60 rows, groups of 1 to 20": lambda alike: uneven(60, alike),
    "200 rows, groups of 1 to 20": lambda alike: uneven(200, alike),
    "500 rows, groups of 5": lambda alike: even(100, 5, alike),
    "2000 rows, groups of 1 to 20": lambda alike: uneven(2000, alike),
    "2000 rows, groups of 20": lambda alike: even(100, 20, alike),
}
LAYOUTS = [(f"{len(layout.sizes)} rows", layout) for layout in SINGLE] + [
    (name, layout(alike)) for name, layout in GROUPED.items() for alike in (0.0, 0.1, 0.5, 0.9)
]
PAIRS = [(0.5, 0.5, 0.5), (0.8, 0.8, 0.9), (0.98, 0.98, 0.5), (0.98, 0.9, 0.9), (0.6, 0.5, 0.0)]
LEAST = 0.935 - 3 * (0.05 * 0.95 / TIMES) ** 0.5

Draw = Callable[[np.random.Generator], Interval]


def plain(values: Sequence[float], layout: Layout) -> Interval:
    """The mean and Student's t times the cluster-robust standard error (Liang and Zeger 1986, with G / (G - 1))."""
    groups, mean = len(layout.sizes), float(np.mean(values))
    sums = np.bincount(layout.groups, np.asarray(values) - mean)
    reach = stats.t.ppf(0.975, groups - 1) * (groups / (groups - 1) * (sums**2).sum()) ** 0.5 / len(values)
    return Interval(mean, mean - reach, mean + reach, len(values), groups)


def line(name: str, layout: Layout, rate: str, ours: Seen, robust: Seen) -> str:
    mark = "" if ours.coverage >= 0.935 and ours.above <= 0.025 else "  *"
    return (
        f"{name:<30} {layout.correlation:>5} {rate:>9}  {ours.coverage:>8.1%} {ours.width:>6.3f} {ours.above:>6.1%}   "
        f"       {robust.coverage:>8.1%} {robust.width:>6.3f}{mark}"
    )


def print_head(about: str) -> None:
    print(f"\n{about}, {TIMES} simulations each")
    ours, robust = f"{'coverage':>8} {'width':>6} {'above':>6}", f"{'coverage':>8} {'width':>6}"
    print(f"{'':<30} {'alike':>5} {'rate':>9}  {ours}   plain: {robust}")


def share(way: str, layout: Layout, rate: float, plainly: bool = False) -> Draw:
    """The interval of one system's share of right answers."""
    groups = layout.groups

    def interval(draw: np.random.Generator) -> Interval:
        right = beta_binomial(draw, layout, rate) if way == "beta" else luck(draw, layout) < rate
        return plain(right, layout) if plainly else mean_interval(right.astype(float).tolist(), groups)

    return interval


def less(layout: Layout, pair: tuple[float, float, float], least: float, plainly: bool = False) -> Draw:
    """The interval of a difference; the second system shares the luck of the first with the probability given."""
    (one, two, agree), groups = pair, layout.groups

    def interval(draw: np.random.Generator) -> Interval:
        own, other = luck(draw, layout), luck(draw, layout)
        first = least + (1 - least) * (own < one)
        second = least + (1 - least) * (np.where(draw.random(len(own)) < agree, own, other) < two)
        return (
            plain(first - second, layout) if plainly else difference_interval(first.tolist(), second.tolist(), groups)
        )

    return interval


@pytest.mark.parametrize("way", ["beta", "whole"])
def test_coverage_of_means(way: str) -> None:
    print_head(f"means, groups by {way}")
    lowest = 1.0
    for name, layout in LAYOUTS:
        for rate in (0.02, 0.5, 0.98):
            ours, robust = (simulated(share(way, layout, rate, plainly), rate, TIMES) for plainly in (False, True))
            print(line(name, layout, str(rate), ours, robust), flush=True)
            lowest = min(lowest, ours.coverage)
    print(f"lowest coverage {lowest:.1%}")
    assert lowest >= LEAST


@pytest.mark.parametrize("least", [0.0, 0.4])
def test_coverage_of_differences(least: float) -> None:
    print_head(f"differences of scores of {least} or 1, groups by whole")
    lowest, better = 1.0, 0.0
    for name, layout in LAYOUTS:
        for pair in PAIRS:
            truth = (1 - least) * (pair[0] - pair[1])
            ours, robust = (simulated(less(layout, pair, least, plainly), truth, TIMES) for plainly in (False, True))
            print(line(name, layout, f"{pair[0]}, {pair[1]}", ours, robust), flush=True)
            lowest = min(lowest, ours.coverage)
            better = max(better, ours.above if truth == 0 else 0.0)
    print(f"lowest coverage {lowest:.1%}, equal systems of which one looks better at most {better:.1%}")
    assert lowest >= LEAST


def scored(layout: Layout, right: float) -> Draw:
    return lambda draw: macro_f1_interval(*answered(draw, layout, right), layout.groups)


def by_bca(right: float) -> Draw:
    """Of 100 rows, by scipy."""

    def interval(draw: np.random.Generator) -> Interval:
        given, wanted = (np.asarray(each) for each in answered(draw, even(100, 1), right))
        if (given == wanted).all():
            return Interval(1.0, 1.0, 1.0, 100, 100)
        found = stats.bootstrap((given, wanted), sklearn, paired=True, vectorized=False, n_resamples=300, rng=draw)
        return Interval(sklearn(given, wanted), *found.confidence_interval, 100, 100)

    return interval


def test_coverage_of_macro_f1() -> None:
    times = max(20, TIMES // 5)
    print(f"\nmacro-F1, four labels, the rarest 5 % of rows, {times} simulations each, a fifth of it for scipy's BCa")
    for layout in [even(50, 1), even(100, 1), even(200, 1), even(1000, 1), even(8, 20, 0.2), even(60, 5, 0.4)]:
        for right in (0.7, 0.9, 0.98):
            ours = simulated(scored(layout, right), macro_f1(right), times)
            shape = f"{sum(layout.sizes)} rows, {len(layout.sizes)} groups, alike {layout.correlation}"
            print(f"{shape:<34} right {right:.0%}  coverage {ours.coverage:6.1%}  width {ours.width:.3f}", flush=True)
    for right in (0.9, 0.98):
        bca = simulated(by_bca(right), macro_f1(right), times // 5)
        print(
            f"{'100 rows, by BCa':<34} right {right:.0%}  coverage {bca.coverage:6.1%}  width {bca.width:.3f}",
            flush=True,
        )
