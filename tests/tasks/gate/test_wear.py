import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evidence import Wear
from tasks.gate import Earlier, wear

ROWS = frozenset(f"row-{number}" for number in range(100))


def after(decisions: int, rows: frozenset[str] = ROWS, seen: frozenset[str] = ROWS, error_rate: float = 0.05) -> Wear:
    return wear("new", rows, [Earlier(f"student-{number}", seen) for number in range(decisions)], error_rate)


def test_the_first_decision_is_held_at_the_confidence_that_is_shown() -> None:
    first = after(0)
    assert (first.decided, first.at_most, first.confidence, first.fresh_rows) == (1, 5, 0.95, 0)
    assert first.words == "decision 1 of at most 5 on these holdout rows"


@pytest.mark.parametrize(
    ("decisions", "decided", "confidence"), [(1, 2, 0.9875), (2, 3, 0.996875), (4, 5, 1 - 0.2 / 4**5)]
)
def test_each_further_decision_is_held_at_a_higher_confidence(decisions: int, decided: int, confidence: float) -> None:
    found = after(decisions)
    assert (found.decided, found.confidence) == (decided, pytest.approx(confidence))
    assert "rules are held at" in found.words


def test_worn_out_rows_say_how_many_fresh_ones_would_do() -> None:
    worn = after(5)
    assert worn.decided == 6 > worn.at_most
    assert "worn out" in worn.words
    assert f"Hold out {worn.fresh_rows} fresh rows or more" in worn.words


@given(decisions=st.integers(0, 60), error_rate=st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2, 0.5]))
def test_rows_are_worn_out_just_where_the_decisions_are_used_up(decisions: int, error_rate: float) -> None:
    found = after(decisions, error_rate=error_rate)
    assert (found.fresh_rows > 0) == (found.decided > found.at_most)
    assert 0.95 <= found.confidence < 1


@given(decisions=st.integers(5, 60))
def test_so_many_fresh_rows_are_enough_and_one_less_is_not(decisions: int) -> None:
    fresh = after(decisions).fresh_rows
    added = frozenset(f"fresh-{number}" for number in range(fresh))
    assert after(decisions, ROWS | added).fresh_rows == 0
    assert after(decisions, ROWS | set(list(added)[1:])).fresh_rows > 0


def test_a_decision_counts_by_the_share_of_the_rows_that_it_saw() -> None:
    others = frozenset(f"other-{number}" for number in range(100))
    assert after(4, seen=others).decided == 1
    assert after(4, rows=ROWS | others).decided == 3
    assert after(1, rows=ROWS | others).decided == 2


def test_a_student_that_is_judged_again_is_no_further_decision_nor_are_those_after_it() -> None:
    history = [Earlier(name, ROWS) for name in ("one", "two", "three")]
    assert [wear(name, ROWS, history, 0.05).decided for name in ("one", "two", "three", "four")] == [1, 2, 3, 4]


@pytest.mark.parametrize("error_rate", [0.001, 0.01, 0.05, 0.1, 0.2, 0.5])
def test_all_decisions_together_err_no_more_often_than_stated(error_rate: float) -> None:
    """Over every candidate that two answers to each former decision can lead to, by the union bound."""
    allowed = [(1 - after(number, error_rate=error_rate).confidence) / 2 for number in range(7)]
    at_most = after(0, error_rate=error_rate).at_most
    assert math.fsum(2**number * chance for number, chance in enumerate(allowed[:at_most])) <= error_rate
