from collections.abc import Hashable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.statistics.grouping import average_size, grouped, numbered, worth

rows = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6)), min_size=2, max_size=40)


@settings(deadline=None)
@given(groups=st.lists(st.sampled_from(["a", "b", 3, (1, 2)]), max_size=20))
def test_groups_are_numbered_as_they_come(groups: list[Hashable]) -> None:
    assert [list(dict.fromkeys(groups))[number] for number in numbered(groups)] == groups


@settings(deadline=None)
@given(rows=rows)
def test_rows_are_worth_no_more_than_there_are_and_freedom_is_less_than_the_groups(
    rows: list[tuple[float, int]],
) -> None:
    values, groups = map(list, zip(*rows, strict=True))
    found = worth(grouped(values, groups), 0.0, 1.0)
    assert 0 < found.rows <= len(rows)
    assert found.freedom <= max(1, len(set(groups)) - 1) + 1e-9


def test_independent_rows_are_worth_themselves() -> None:
    assert worth(grouped([0.0, 1.0, 1.0], "abc"), 0.0, 1.0) == (3, 2)


def test_groups_that_are_all_alike_are_worth_a_row_each() -> None:
    values = np.repeat([1.0, 0.0] * 100, 4).tolist()
    found = worth(grouped(values, np.repeat(np.arange(200), 4).tolist()), 0.0, 1.0)
    assert found.rows == pytest.approx(200, rel=0.02)
    assert found.freedom == pytest.approx(199)


def test_groups_that_do_not_matter_cost_little() -> None:
    values = np.random.default_rng(1).permutation([1.0, 0.0] * 1000).tolist()
    assert worth(grouped(values, [row // 5 for row in range(2000)]), 0.0, 1.0).rows > 1700


def test_groups_of_unequal_sizes_leave_fewer_degrees_of_freedom() -> None:
    values = [1.0, 0.0] * 40
    even = grouped(values, [row // 10 for row in range(80)])
    uneven = grouped(values, [0] * 45 + [1] * 20 + [2, 3, 4, 5, 6] * 3)
    assert worth(uneven, 0.0, 1.0).freedom < worth(even, 0.0, 1.0).freedom / 2


def test_the_average_size_is_that_of_the_group_a_row_is_in() -> None:
    assert average_size(np.asarray([1, 3])) == (1 * 1 + 3 * 3) / 4
