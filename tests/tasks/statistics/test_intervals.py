import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tasks.statistics import Interval, difference_interval, mean_interval, rows_to_settle

SIMULATIONS = 300

marks = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=40)
paired = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 9)),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize(("right", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (1, 20), (10, 20), (37, 40), (480, 500)])
def test_for_independent_rows_the_interval_is_wilsons(right: int, n: int) -> None:
    interval = mean_interval([1.0] * right + [0.0] * (n - right), range(n))
    wilson = binomtest(right, n).proportion_ci(method="wilson")
    # Rows count as their own groups with the n/(n-1) of a sample, so n - 1 rows stand behind it: never narrower.
    assert wilson.low - 0.5 / n <= interval.low <= wilson.low + 1e-9
    assert wilson.high - 1e-9 <= interval.high <= wilson.high + 0.5 / n
    assert (interval.mean, interval.n, interval.groups) == (right / n, n, n)


@pytest.mark.parametrize("n", [1, 5, 100])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_where_all_rows_agree_the_interval_is_exactly_wilsons(value: float, n: int) -> None:
    interval = mean_interval([value] * n, range(n))
    wilson = binomtest(round(value) * n, n).proportion_ci(method="wilson")
    assert interval[1:3] == pytest.approx((wilson.low, wilson.high))


@given(values=marks)
def test_the_mean_lies_in_its_interval_which_has_a_width(values: list[float]) -> None:
    interval = mean_interval(values, range(len(values)))
    assert 0.0 <= interval.low <= interval.mean <= interval.high <= 1.0
    assert interval.low < interval.high


@given(rows=paired)
def test_the_difference_lies_in_its_interval(rows: list[tuple[float, float, int]]) -> None:
    first, second, groups = map(list, zip(*rows, strict=True))
    interval = difference_interval(first, second, groups)
    assert -1.0 <= interval.low <= interval.mean <= interval.high <= 1.0
    assert interval.mean == pytest.approx(sum(first) / len(rows) - sum(second) / len(rows))


@given(rows=paired)
def test_the_other_way_round_the_difference_is_mirrored(rows: list[tuple[float, float, int]]) -> None:
    first, second, groups = map(list, zip(*rows, strict=True))
    there, back = difference_interval(first, second, groups), difference_interval(second, first, groups)
    assert (back.mean, back.low, back.high) == pytest.approx((-there.mean, -there.high, -there.low))


@given(rows=paired, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(rows: list[tuple[float, float, int]], order: random.Random) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)
    one = difference_interval(*map(list, zip(*rows, strict=True)))
    two = difference_interval(*map(list, zip(*shuffled, strict=True)))
    assert one == pytest.approx(two)


def test_rows_that_repeat_each_other_in_a_group_do_not_narrow_the_interval() -> None:
    values = [1.0, 1.0, 0.0, 1.0, 0.0] * 4
    single = mean_interval(values, range(20))
    tripled = mean_interval([value for value in values for _ in range(3)], [row for row in range(20) for _ in range(3)])
    assert (tripled.low, tripled.high) == pytest.approx((single.low, single.high))
    assert (tripled.n, tripled.groups) == (60, 20)


def test_groups_that_all_agree_count_once_each() -> None:
    assert (
        mean_interval([1.0] * 100, [row // 10 for row in range(100)])[1:3] == mean_interval([1.0] * 10, range(10))[1:3]
    )


def test_more_rows_narrow_the_interval() -> None:
    widths = [
        interval.high - interval.low
        for interval in (mean_interval([1.0, 0.0, 1.0] * n, range(3 * n)) for n in (5, 50, 500))
    ]
    assert widths == sorted(widths, reverse=True)


def test_nothing_measured_may_be_anything() -> None:
    assert mean_interval([], []) == Interval(0.0, 0.0, 1.0, 0, 0)
    assert difference_interval([], [], []) == Interval(0.0, -1.0, 1.0, 0, 0)


@given(values=marks)
def test_equal_systems_do_not_differ_and_pass_no_strict_bound(values: list[float]) -> None:
    interval = difference_interval(values, values, range(len(values)))
    assert interval.mean == 0.0
    assert interval.low <= 0.0 <= interval.high


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_difference_keeps_a_width_where_both_are_always_right_or_wrong(value: float) -> None:
    interval = difference_interval([value] * 20, [value] * 20, range(20))
    assert interval.low < 0.0 < interval.high


COLLAPSES = (
    "Newcombe's method 10 takes n/2 from ad - bc before the correlation; without that "
    "the interval collapses where pairs agree"
)


def newcombe(both: int, first: int, second: int, neither: int) -> tuple[float, float]:
    """Method 10 of Newcombe (1998), Statistics in Medicine 17, 2635, from the four cells of the paired table."""
    n = both + first + second + neither
    one, two = (both + first) / n, (both + second) / n
    (low_one, high_one), (low_two, high_two) = (
        binomtest(right, n).proportion_ci(method="wilson") for right in (both + first, both + second)
    )
    crossed = both * neither - first * second
    crossed = max(crossed - n / 2, 0) if crossed > 0 else crossed
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    phi = crossed / margins**0.5 if margins else 0.0
    down = ((one - low_one) ** 2 - 2 * phi * (one - low_one) * (high_two - two) + (high_two - two) ** 2) ** 0.5
    up = ((high_one - one) ** 2 - 2 * phi * (high_one - one) * (two - low_two) + (two - low_two) ** 2) ** 0.5
    return one - two - down, one - two + up


def table(both: int, first: int, second: int, neither: int) -> Interval:
    one = [1.0] * (both + first) + [0.0] * (second + neither)
    two = [1.0] * both + [0.0] * first + [1.0] * second + [0.0] * neither
    return difference_interval(one, two, range(len(one)))


def test_the_difference_is_newcombes_where_the_pair_is_uncorrelated() -> None:
    assert table(36, 12, 2, 0)[1:3] == pytest.approx(newcombe(36, 12, 2, 0), abs=0.005)
    assert table(25, 25, 25, 25)[1:3] == pytest.approx(newcombe(25, 25, 25, 25), abs=0.005)


@pytest.mark.parametrize(
    "cells", [(10, 0, 0, 10), (12, 0, 0, 8), (15, 0, 0, 5), (20, 2, 0, 18), (15, 0, 1, 4)], ids=str
)
def test_the_difference_is_newcombes_where_the_pair_agrees(cells: tuple[int, int, int, int]) -> None:
    assert table(*cells)[1:3] == pytest.approx(newcombe(*cells), abs=0.01)


def coverage(simulate: Callable[[random.Random], Interval], truth: float) -> float:
    drawn = random.Random(20260501)
    intervals = [simulate(drawn) for _ in range(SIMULATIONS)]
    return sum(interval.low <= truth <= interval.high for interval in intervals) / SIMULATIONS


def one_system(right: float, groups: int, size: int, alike: float) -> Callable[[random.Random], Interval]:
    """Rows of a group share their luck with the probability given."""

    def simulate(drawn: random.Random) -> Interval:
        values: list[float] = []
        for _ in range(groups):
            shared = drawn.random()
            values += [float((shared if drawn.random() < alike else drawn.random()) < right) for _ in range(size)]
        return mean_interval(values, [row // size for row in range(groups * size)])

    return simulate


def two_systems(
    one: float, two: float, groups: int, size: int, alike: float, agree: float
) -> Callable[[random.Random], Interval]:
    """The second system shares the luck of the first with the probability given."""

    def simulate(drawn: random.Random) -> Interval:
        first: list[float] = []
        second: list[float] = []
        for _ in range(groups):
            shared = drawn.random()
            for _ in range(size):
                luck = shared if drawn.random() < alike else drawn.random()
                first.append(float(luck < one))
                second.append(float((luck if drawn.random() < agree else drawn.random()) < two))
        return difference_interval(first, second, [row // size for row in range(groups * size)])

    return simulate


@pytest.mark.parametrize(
    ("right", "groups", "size", "alike"),
    [(0.8, 60, 1, 0.0), (0.5, 100, 1, 0.0), (0.7, 50, 5, 0.6), (0.9, 60, 4, 0.8)],
)
def test_the_interval_of_a_mean_holds_the_truth_95_times_in_100(
    right: float, groups: int, size: int, alike: float
) -> None:
    assert coverage(one_system(right, groups, size, alike), right) >= 0.92


def test_were_groups_forgotten_the_interval_would_not_hold_it() -> None:
    simulate = one_system(0.7, 50, 5, 0.9)

    def forgetful(drawn: random.Random) -> Interval:
        interval = simulate(drawn)
        return mean_interval(
            [1.0] * round(interval.mean * interval.n) + [0.0] * round((1 - interval.mean) * 250), range(250)
        )

    assert coverage(forgetful, 0.7) < 0.85
    assert coverage(simulate, 0.7) >= 0.92


@pytest.mark.parametrize(
    ("one", "two", "groups", "size", "alike", "agree"),
    [
        (0.7, 0.6, 60, 1, 0.0, 0.5),
        (0.9, 0.85, 60, 1, 0.0, 0.8),
        (0.7, 0.6, 50, 4, 0.6, 0.5),
        (0.6, 0.6, 50, 4, 0.7, 0.7),
    ],
)
def test_the_interval_of_a_difference_holds_the_truth_95_times_in_100(
    one: float, two: float, groups: int, size: int, alike: float, agree: float
) -> None:
    assert coverage(two_systems(one, two, groups, size, alike, agree), one - two) >= 0.92


def test_the_interval_of_a_difference_holds_the_truth_where_the_systems_nearly_agree() -> None:
    assert coverage(two_systems(0.5, 0.48, 80, 1, 0.0, 0.99), 0.02) >= 0.92


def test_more_rows_are_asked_for_where_the_bound_is_nearer() -> None:
    far, near = Interval(0.8, 0.6, 0.9, 50, 50), Interval(0.72, 0.52, 0.82, 50, 50)
    assert 50 < rows_to_settle(far, 0.7) < rows_to_settle(near, 0.7)


@pytest.mark.parametrize(("mean", "bound"), [(0.8, 0.7), (0.55, 0.6), (0.65, 0.5)])
def test_the_rows_asked_for_settle_it_if_the_mean_stays(mean: float, bound: float) -> None:
    few = mean_interval([1.0] * round(40 * mean) + [0.0] * round(40 * (1 - mean)), range(40))
    assert few.low < bound < few.high
    n = round(1.3 * rows_to_settle(few, bound))
    many = mean_interval([1.0] * round(n * mean) + [0.0] * (n - round(n * mean)), range(n))
    assert not many.low < bound < many.high
