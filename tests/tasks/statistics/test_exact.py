import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from tasks.statistics.exact import clopper_pearson, discordant, student

counts = st.integers(0, 50)


@settings(deadline=None)
@given(right=counts, wrong=counts)
def test_the_limits_of_a_share_are_scipys(right: int, wrong: int) -> None:
    if right + wrong:
        assert clopper_pearson(right, right + wrong) == pytest.approx(
            tuple(binomtest(right, right + wrong).proportion_ci())
        )


@settings(deadline=None)
@given(right=st.floats(0.5, 20), rows=st.floats(21, 40))
def test_fractions_of_a_row_lie_between_whole_ones(right: float, rows: float) -> None:
    below, above = clopper_pearson(int(right), rows), clopper_pearson(int(right) + 1, rows)
    low, high = clopper_pearson(right, rows)
    assert below.low - 1e-9 <= low <= above.low + 1e-9
    assert below.high - 1e-9 <= high <= above.high + 1e-9


@settings(deadline=None)
@given(won=counts, lost=counts, same=counts)
def test_the_limits_of_pairs_exclude_no_difference_where_mcnemars_exact_test_rejects_it(
    won: int, lost: int, same: int
) -> None:
    if won + lost:
        low, high = discordant(won, lost, won + lost + same)
        assert (low > 0 or high < 0) == (binomtest(won, won + lost).pvalue < 0.05)


@pytest.mark.parametrize("freedom", [1, 2.5, 30, 1e6])
def test_students_quantile_is_scipys(freedom: float) -> None:
    assert student(freedom) == pytest.approx(t.ppf(0.975, freedom))
