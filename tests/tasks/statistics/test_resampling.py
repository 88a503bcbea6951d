import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics import Interval, mean_interval, resampled
from tests.tasks.statistics.simulating import even, luck, simulated

sums = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=2, max_size=30)


def ratio(sums: np.ndarray) -> np.ndarray:
    return sums[:, 0] / sums[:, 1]


def interval(sums: list[tuple[float, float]]) -> Interval:
    return resampled(ratio, np.asarray(sums, float), np.ones(len(sums), int), [])


@settings(deadline=None, max_examples=50)
@given(rows=sums)
def test_the_statistic_lies_in_its_interval_which_the_draws_bound(rows: list[tuple[int, int]]) -> None:
    found = interval(rows)
    each = [above / below for above, below in rows]
    assert found.mean == pytest.approx(sum(above for above, _ in rows) / sum(below for _, below in rows))
    assert min(each) - 1e-9 <= found.low <= found.mean <= found.high <= max(each) + 1e-9


@settings(deadline=None, max_examples=50)
@given(rows=sums)
def test_the_same_sums_in_any_order_give_the_same_interval(rows: list[tuple[int, int]]) -> None:
    assert interval(rows) == interval(sorted(rows)) == interval(rows)


def test_what_stands_at_the_ends_of_the_scale_keeps_a_width_where_all_agree() -> None:
    alike, sizes = np.ones((50, 2)), np.ones(50, int)
    ends = [np.asarray([[0.0, 1.0]]), np.asarray([[1.0, 1.0]])]
    assert resampled(ratio, alike, sizes, [])[1:3] == (1.0, 1.0)
    assert resampled(ratio, alike, sizes, ends).low == pytest.approx(mean_interval([1.0] * 50, range(50)).low, abs=0.01)


def test_a_group_of_many_rows_may_hide_more() -> None:
    ends = [np.asarray([[0.0, 1.0]]), np.asarray([[1.0, 1.0]])]
    single = resampled(ratio, np.ones((50, 2)), np.ones(50, int), ends)
    large = resampled(ratio, np.full((50, 2), 5.0), np.full(50, 5), ends)
    assert large.low == pytest.approx(single.low, abs=0.01)
    assert (large.n, large.groups) == (250, 50)


def test_it_holds_the_truth_95_times_in_100_with_few_groups_and_with_many() -> None:
    """A perplexity: the exponential of log losses over tokens, both by group."""

    def perplexity(sums: np.ndarray) -> np.ndarray:
        return np.exp(sums[:, 0] / sums[:, 1])

    for groups in (8, 60):

        def once(draw: np.random.Generator, groups: int = groups) -> Interval:
            tokens = draw.integers(20, 60, groups).astype(float)
            losses = tokens * draw.normal(1.0, 0.3, groups)
            return resampled(perplexity, np.column_stack([losses, tokens]), np.ones(groups, int), [])

        assert simulated(once, float(np.exp(1.0)), 200).coverage >= 0.9


def test_of_a_mean_it_is_about_the_interval_of_the_mean() -> None:
    right = (luck(np.random.default_rng(1), even(400, 1)) < 0.7).astype(float)
    found = resampled(ratio, np.column_stack([right, np.ones(400)]), np.ones(400, int), [])
    assert found[:3] == pytest.approx(mean_interval(right.tolist(), range(400))[:3], abs=0.01)
