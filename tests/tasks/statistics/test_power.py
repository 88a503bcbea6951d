import numpy as np
import pytest

from tasks.statistics import Interval, detectable_difference, difference_interval, mean_interval, rows_to_settle
from tests.tasks.statistics.simulating import even, luck

TIMES = 300


def pairs(rows: int, one: float, two: float, seed: int, size: int = 1) -> Interval:
    """Two systems on rows in groups of a size, which share their luck half of the time."""
    draw, layout = np.random.default_rng(seed), even(rows // size, size, 0.5 if size > 1 else 0.0)
    first, other = luck(draw, layout), luck(draw, layout)
    second = np.where(draw.random(len(first)) < 0.5, first, other)
    return difference_interval(
        (first < one).astype(float).tolist(), (second < two).astype(float).tolist(), layout.groups
    )


@pytest.mark.parametrize(("rows", "size"), [(100, 1), (400, 1), (300, 3)])
def test_the_detectable_difference_is_found_four_times_in_five(rows: int, size: int) -> None:
    truth = float(np.mean([detectable_difference(pairs(rows, 0.6, 0.6, seed, size)) for seed in range(20)]))
    found = [pairs(rows, 0.6 + truth / 2, 0.6 - truth / 2, seed, size).low > 0 for seed in range(TIMES)]
    assert 0.7 <= np.mean(found) <= 0.9


def test_more_rows_show_a_smaller_difference() -> None:
    shown = [detectable_difference(pairs(rows, 0.6, 0.6, 1)) for rows in (30, 300, 3000)]
    assert shown == sorted(shown, reverse=True)


def shares(rows: int, right: float) -> Interval:
    return mean_interval([1.0] * round(rows * right) + [0.0] * round(rows * (1 - right)), range(rows))


@pytest.mark.parametrize(
    ("rows", "right", "bound"), [(40, 0.8, 0.7), (40, 0.55, 0.6), (40, 0.65, 0.5), (100, 0.95, 0.9), (50, 0.1, 0.14)]
)
def test_with_the_rows_asked_for_a_share_settles_four_times_in_five(rows: int, right: float, bound: float) -> None:
    few = shares(rows, right)
    assert few.low < bound < few.high
    asked = rows_to_settle(few, bound)
    draw = np.random.default_rng(1)
    settled = [
        not many.low <= bound <= many.high
        for many in (shares(asked, draw.binomial(asked, right) / asked) for _ in range(TIMES))
    ]
    assert 0.7 <= np.mean(settled) <= 0.95


@pytest.mark.parametrize(("one", "two", "bound", "size"), [(0.7, 0.6, 0.0, 1), (0.8, 0.6, 0.1, 1), (0.7, 0.6, 0.0, 3)])
def test_with_the_rows_asked_for_a_difference_settles_four_times_in_five(
    one: float, two: float, bound: float, size: int
) -> None:
    pilots = [pairs(120, one, two, seed, size)._replace(mean=one - two) for seed in range(30)]
    asked = round(np.median([rows_to_settle(pilot, bound) for pilot in pilots])) // size * size
    settled = [pairs(asked, one, two, seed, size).low > bound for seed in range(TIMES)]
    assert 0.7 <= np.mean(settled) <= 0.92


def test_where_all_rows_are_right_few_more_settle_it() -> None:
    asked = rows_to_settle(shares(20, 1.0), 0.9)
    assert shares(round(1.1 * asked), 1.0).low > 0.9
    assert asked < 60


def test_more_rows_are_asked_for_where_the_bound_is_nearer() -> None:
    far, near = Interval(0.8, 0.6, 0.9, 50, 50), Interval(0.72, 0.52, 0.82, 50, 50)
    assert 50 < rows_to_settle(far, 0.7) < rows_to_settle(near, 0.7)
    assert rows_to_settle(near, 0.72) == pytest.approx(rows_to_settle(near, 0.725), rel=0.05)


def test_a_rule_that_is_settled_asks_for_no_more_rows() -> None:
    assert rows_to_settle(Interval(0.9, 0.85, 0.95, 100, 100), 0.5) <= 100


def test_nothing_measured_asks_for_some_rows() -> None:
    assert rows_to_settle(mean_interval([], []), 0.5) > 0
