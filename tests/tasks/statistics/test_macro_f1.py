from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tasks.statistics import Interval, macro_f1_difference, macro_f1_interval
from tests.tasks.statistics.simulating import Layout, even, luck, simulated

labels = st.sampled_from(["refund", "exchange", "status"])
answers = st.one_of(labels, st.sampled_from(["", "no such label"]))
answered = st.lists(st.tuples(answers, answers, labels, st.integers(0, 9)), min_size=1, max_size=30)


def sklearn(given: Sequence[str], wanted: Sequence[str]) -> float:
    return float(f1_score(wanted, given, labels=sorted(set(wanted)), average="macro", zero_division=0))


@settings(deadline=None, max_examples=50)
@given(rows=answered)
def test_macro_f1_is_scikit_learns_over_the_wanted_labels(rows: list[tuple[str, str, str, int]]) -> None:
    first, second, wanted, groups = map(list, zip(*rows, strict=True))
    one, less = macro_f1_interval(first, wanted, groups), macro_f1_difference(first, second, wanted, groups)
    assert one.mean == pytest.approx(sklearn(first, wanted))
    assert less.mean == pytest.approx(sklearn(first, wanted) - sklearn(second, wanted))
    assert 0.0 <= one.low <= one.mean <= one.high <= 1.0
    assert -1.0 <= less.low <= less.mean <= less.high <= 1.0
    assert one[3:] == less[3:] == (len(rows), len(set(groups)))


@settings(deadline=None, max_examples=50)
@given(rows=answered)
def test_the_order_of_rows_and_the_names_of_groups_make_no_difference(rows: list[tuple[str, str, str, int]]) -> None:
    first, second, wanted, groups = map(list, zip(*rows, strict=True))
    one = macro_f1_difference(first, second, wanted, groups)
    renamed = [f"group {group}" for group in groups]
    assert macro_f1_difference(first, second, wanted, renamed) == one
    assert macro_f1_difference(first, second, wanted, groups) == one


def test_no_labels_may_be_anything() -> None:
    assert macro_f1_interval([], [], []) == Interval(0.0, 0.0, 1.0, 0, 0)
    assert macro_f1_difference([], [], [], []) == Interval(0.0, -1.0, 1.0, 0, 0)


@pytest.mark.parametrize("wanted", [["a", "b"] * 20, ["a"] * 40])
def test_equal_systems_do_not_differ_and_the_interval_keeps_a_width(wanted: list[str]) -> None:
    for said in (wanted, wanted[::-1], ["no such label"] * 40):
        interval = macro_f1_difference(said, said, wanted, range(40))
        assert interval.mean == 0.0
        assert interval.low < 0.0 < interval.high


def test_where_all_are_right_it_says_how_many_rows_that_was() -> None:
    low = [macro_f1_interval(["a", "b"] * rows, ["a", "b"] * rows, range(2 * rows)).low for rows in (10, 50, 250)]
    assert 0.7 < low[0] < 0.9 < low[1] < 0.97 < low[2] < 1.0


def test_a_rare_label_weighs_as_much_as_a_common_one() -> None:
    wanted = ["common"] * 95 + ["rare"] * 5
    without = macro_f1_interval(["common"] * 100, wanted, range(100))
    assert without.low < 0.49 < without.high < 0.8
    assert macro_f1_difference(wanted, ["common"] * 100, wanted, range(100)).low > 0.05


SHARES = [0.5, 0.3, 0.15, 0.05]


def simulate(draw: np.random.Generator, layout: Layout, right: float) -> tuple[list[int], list[int]]:
    """A wrong answer is one of the other labels, each as likely."""
    wanted = draw.choice(4, p=SHARES, size=sum(layout.sizes))
    other = (wanted + draw.integers(1, 4, size=len(wanted))) % 4
    return np.where(luck(draw, layout) < right, wanted, other).tolist(), wanted.tolist()


def truth(right: float) -> float:
    given = [right * share + (1 - right) / 3 * (1 - share) for share in SHARES]
    return float(np.mean([2 * right * share / (share + said) for share, said in zip(SHARES, given, strict=True)]))


@pytest.mark.parametrize("layout", [even(200, 1), even(60, 5, 0.4), even(8, 20, 0.2)], ids=["200", "60", "8"])
@pytest.mark.parametrize("right", [0.7, 0.97])
def test_the_interval_holds_the_truth_95_times_in_100(layout: Layout, right: float) -> None:
    def once(draw: np.random.Generator) -> Interval:
        return macro_f1_interval(*simulate(draw, layout, right), layout.groups)

    assert simulated(once, truth(right), 100).coverage >= 0.88
