import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics import Interval, difference_interval, mean_interval, with_unjudged

means = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40).map(
    lambda values: mean_interval(values, range(len(values)))
)


@settings(deadline=None)
@given(interval=means)
def test_where_all_rows_are_judged_nothing_changes(interval: Interval) -> None:
    assert with_unjudged(interval, 0) == interval


@settings(deadline=None)
@given(interval=means, unjudged=st.integers(1, 50))
def test_the_interval_holds_the_mean_whatever_the_rows_would_have_been(interval: Interval, unjudged: int) -> None:
    found = with_unjudged(interval, unjudged)
    rows = interval.n + unjudged
    assert found.low <= interval.n * interval.low / rows
    assert found.high >= (interval.n * interval.high + unjudged) / rows
    assert 0.0 <= found.low <= interval.low <= interval.high <= found.high <= 1.0
    assert (found.mean, found.n, found.groups) == (interval.mean, interval.n, interval.groups)


@settings(deadline=None)
@given(interval=means, unjudged=st.integers(0, 50))
def test_each_row_more_without_a_verdict_widens_it(interval: Interval, unjudged: int) -> None:
    one, more = with_unjudged(interval, unjudged), with_unjudged(interval, unjudged + 1)
    assert more.low <= one.low
    assert one.high <= more.high


def test_nothing_judged_may_be_anything() -> None:
    assert with_unjudged(mean_interval([], []), 10)[1:3] == (0.0, 1.0)


def test_a_difference_may_lie_at_minus_one() -> None:
    found = with_unjudged(difference_interval([1.0, 0.0] * 10, [0.0, 1.0] * 10, range(20)), 10_000, lowest=-1.0)
    assert found[1:3] == pytest.approx((-1.0, 1.0), abs=0.01)


@pytest.mark.parametrize("hidden", [0.0, 1.0])
def test_it_holds_the_truth_95_times_in_100_though_the_judge_leaves_all_of_one_kind_unread(hidden: float) -> None:
    draw, held = np.random.default_rng(1), 0
    for _ in range(400):
        values = (draw.random(200) < 0.8).astype(float)
        unread = (values == hidden) & (draw.random(200) < 0.5)
        found = with_unjudged(mean_interval(values[~unread].tolist(), range(int((~unread).sum()))), int(unread.sum()))
        held += found.low <= 0.8 <= found.high
    assert held / 400 >= 0.93
