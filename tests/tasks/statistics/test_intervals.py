import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t, ttest_1samp

from tasks.statistics import Interval, difference_interval, mean_interval
from tests.tasks.statistics.simulating import Layout, beta_binomial, even, luck, simulated, uneven

marks = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=40)
paired = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)
cells = st.tuples(*[st.integers(0, 30)] * 4).filter(any)


@settings(deadline=None)
@given(right=st.integers(0, 60), wrong=st.integers(0, 60))
def test_of_independent_rows_right_or_wrong_the_interval_is_clopper_and_pearsons(right: int, wrong: int) -> None:
    n = right + wrong
    interval = mean_interval([1.0] * right + [0.0] * wrong, range(n))
    exact = binomtest(right, n).proportion_ci() if n else (0.0, 1.0)
    assert interval[1:3] == pytest.approx(tuple(exact))
    assert interval[3:] == (n, n)


@settings(deadline=None)
@given(values=st.lists(st.floats(0.01, 0.99), min_size=2, max_size=40))
def test_of_other_scores_it_is_students_with_a_row_more_at_each_end(values: list[float]) -> None:
    interval = mean_interval(values, range(len(values)))
    wanted = ttest_1samp([*values, 0.0, 1.0], 0).confidence_interval()
    low, high = max(0.0, min(wanted.low, interval.mean)), min(1.0, max(wanted.high, interval.mean))
    assert interval[1:3] == pytest.approx((low, high))
    assert interval.mean == pytest.approx(np.mean(values))


@settings(deadline=None)
@given(values=marks)
def test_the_mean_lies_in_its_interval_which_has_a_width(values: list[float]) -> None:
    interval = mean_interval(values, range(len(values)))
    assert 0.0 <= interval.low <= interval.mean <= interval.high <= 1.0
    assert interval.low < interval.high


@settings(deadline=None)
@given(rows=paired)
def test_the_difference_lies_in_its_interval(rows: list[tuple[float, float, int]]) -> None:
    first, second, groups = map(list, zip(*rows, strict=True))
    interval = difference_interval(first, second, groups)
    assert -1.0 <= interval.low <= interval.mean <= interval.high <= 1.0
    assert interval.low < interval.high
    assert interval.mean == pytest.approx(sum(first) / len(rows) - sum(second) / len(rows))


@settings(deadline=None)
@given(rows=paired)
def test_the_other_way_round_the_difference_is_mirrored(rows: list[tuple[float, float, int]]) -> None:
    first, second, groups = map(list, zip(*rows, strict=True))
    there, back = difference_interval(first, second, groups), difference_interval(second, first, groups)
    assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))


@settings(deadline=None)
@given(rows=paired, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(rows: list[tuple[float, float, int]], order: random.Random) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    one, two = (list(map(list, zip(*each, strict=True))) for each in (rows, shuffled))
    assert difference_interval(*one) == pytest.approx(difference_interval(*two))
    assert mean_interval(one[0], one[2]) == pytest.approx(mean_interval(two[0], two[2]))


@pytest.mark.parametrize("values", [[1.0, 1.0, 0.0, 1.0, 0.0] * 4, [0.9, 0.2, 0.7, 0.4] * 5])
def test_rows_that_repeat_each_other_in_a_group_do_not_narrow_the_interval(values: list[float]) -> None:
    single = mean_interval(values, range(20))
    tripled = mean_interval([value for value in values for _ in range(3)], [row for row in range(20) for _ in range(3)])
    assert single.high - single.low <= tripled.high - tripled.low <= 1.2 * (single.high - single.low)
    assert (tripled.n, tripled.groups) == (60, 20)


def test_groups_that_all_agree_count_once_each() -> None:
    assert (
        mean_interval([1.0] * 100, [row // 10 for row in range(100)])[1:3] == mean_interval([1.0] * 10, range(10))[1:3]
    )


@pytest.mark.parametrize("values", [[1.0, 0.0] * 50, [0.6, 0.4] * 50])
def test_a_single_group_says_next_to_nothing(values: list[float]) -> None:
    assert mean_interval(values, ["one"] * 100)[1:3] == pytest.approx((0.0, 1.0), abs=0.05)
    assert difference_interval(values, values[::-1], ["one"] * 100)[1:3] == pytest.approx((-1.0, 1.0), abs=0.05)


@pytest.mark.parametrize("levels", [[1.0, 0.0, 1.0], [0.9, 0.3, 0.8]])
def test_more_rows_narrow_the_interval(levels: list[float]) -> None:
    widths = [
        interval.high - interval.low for interval in (mean_interval(levels * n, range(3 * n)) for n in (5, 50, 500))
    ]
    assert widths == sorted(widths, reverse=True)


def test_scores_that_vary_little_have_a_narrower_interval_than_right_and_wrong() -> None:
    right_or_wrong = mean_interval([1.0, 0.0] * 50, range(100))
    close = mean_interval([0.55, 0.45] * 50, range(100))
    assert close.high - close.low < (right_or_wrong.high - right_or_wrong.low) / 2


def test_nothing_measured_may_be_anything() -> None:
    assert mean_interval([], []) == Interval(0.0, 0.0, 1.0, 0, 0)
    assert difference_interval([], [], []) == Interval(0.0, -1.0, 1.0, 0, 0)


def test_a_value_without_a_group_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values, but 1 groups"):
        mean_interval([1.0, 0.0], ["a"])
    with pytest.raises(ValueError, match="shorter"):
        difference_interval([1.0, 0.0], [1.0], ["a", "b"])


@settings(deadline=None)
@given(values=marks)
def test_equal_systems_do_not_differ_and_pass_no_strict_bound(values: list[float]) -> None:
    interval = difference_interval(values, values, range(len(values)))
    assert interval.mean == 0.0
    assert interval.low < 0.0 < interval.high


def table(both: int, first: int, second: int, neither: int) -> Interval:
    one = [1.0] * (both + first) + [0.0] * (second + neither)
    two = [1.0] * both + [0.0] * first + [1.0] * second + [0.0] * neither
    return difference_interval(one, two, range(len(one)))


@settings(deadline=None)
@given(counts=cells)
def test_independent_pairs_differ_only_where_mcnemars_exact_test_says_so(counts: tuple[int, int, int, int]) -> None:
    interval = table(*counts)
    _, first, second, _ = counts
    rejected = first + second > 0 and binomtest(first, first + second).pvalue <= 0.05
    assert rejected or interval.low < 0.0 < interval.high


@pytest.mark.parametrize("counts", [(36, 12, 2, 10), (400, 60, 30, 110), (5, 1, 9, 6)])
def test_of_pairs_right_or_wrong_the_difference_is_bonett_and_prices(counts: tuple[int, int, int, int]) -> None:
    """Bonett and Price (2012): a pair more for each system, then Wald's limits; Student's t stands for their z."""
    _, first, second, _ = counts
    more = sum(counts) + 2
    one, two = (first + 1) / more, (second + 1) / more
    reach = t.ppf(0.975, more - 1) * ((one + two - (one - two) ** 2) / (more - 1)) ** 0.5
    assert table(*counts)[1:3] == pytest.approx((one - two - reach, one - two + reach))


Draw = Callable[[np.random.Generator], Interval]


def one_system(layout: Layout, rate: float) -> Draw:
    groups = layout.groups
    return lambda draw: mean_interval(beta_binomial(draw, layout, rate).tolist(), groups)


def graded(layout: Layout) -> Draw:
    """Scores between 0 and 1: one answer in fifty failed, the others lie about 0.9."""
    groups = layout.groups

    def interval(draw: np.random.Generator) -> Interval:
        own = luck(draw, layout)
        return mean_interval(np.where(own < 0.02, 0.0, 0.85 + 0.1 * own).tolist(), groups)

    return interval


def two_systems(layout: Layout, one: float, two: float, agree: float, score: Callable[[Any], Any]) -> Draw:
    """The second system shares the luck of the first with the probability given."""
    groups = layout.groups

    def interval(draw: np.random.Generator) -> Interval:
        first, other = luck(draw, layout), luck(draw, layout)
        second = np.where(draw.random(len(first)) < agree, first, other)
        return difference_interval(score(first < one).tolist(), score(second < two).tolist(), groups)

    return interval


LAYOUTS = [even(20, 1), even(300, 1), even(8, 5, 0.3), uneven(60, 0.9), uneven(300, 0.5), even(100, 5, 0.9)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{sum(layout.sizes)}-{len(layout.sizes)}")
@pytest.mark.parametrize("rate", [0.02, 0.5, 0.98])
def test_the_interval_of_a_mean_holds_the_truth_95_times_in_100(layout: Layout, rate: float) -> None:
    assert simulated(one_system(layout, rate), rate, 300).coverage >= 0.92


@pytest.mark.parametrize("layout", LAYOUTS[:4], ids=lambda layout: f"{sum(layout.sizes)}-{len(layout.sizes)}")
def test_the_interval_of_graded_scores_holds_the_truth_though_failures_are_rare(layout: Layout) -> None:
    assert simulated(graded(layout), 0.98 * 0.901, 300).coverage >= 0.92


def test_were_groups_forgotten_the_interval_would_not_hold_it() -> None:
    layout = even(50, 5, 0.8)
    forgetful = simulated(lambda draw: mean_interval(beta_binomial(draw, layout, 0.7).tolist(), range(250)), 0.7, 300)
    assert forgetful.coverage < 0.8
    assert simulated(one_system(layout, 0.7), 0.7, 300).coverage >= 0.92


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{sum(layout.sizes)}-{len(layout.sizes)}")
@pytest.mark.parametrize(("one", "two", "agree"), [(0.7, 0.6, 0.5), (0.98, 0.9, 0.9), (0.02, 0.02, 0.0)])
@pytest.mark.parametrize("least", [0.0, 0.4])
def test_the_interval_of_a_difference_holds_the_truth_95_times_in_100(
    layout: Layout, one: float, two: float, agree: float, least: float
) -> None:
    seen = simulated(
        two_systems(layout, one, two, agree, lambda right: least + (1 - least) * right), (1 - least) * (one - two), 300
    )
    assert seen.coverage >= 0.92


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{sum(layout.sizes)}-{len(layout.sizes)}")
@pytest.mark.parametrize("rate", [0.5, 0.95])
def test_of_equal_systems_at_most_one_in_forty_looks_better(layout: Layout, rate: float) -> None:
    assert simulated(two_systems(layout, rate, rate, 0.5, np.asarray), 0.0, 400).above <= 0.025 + 0.015
