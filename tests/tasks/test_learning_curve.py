from collections import Counter
from collections.abc import Sequence
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evidence import LearnedShare
from tasks.learning_curve import learning_curve, share_of
from tasks.models import Answer
from tasks.rows import Kept, Scored
from tasks.systems import scored
from tests.tasks.toys import a_kept

ROWS = [a_kept(f"row-{number}", slice="gift" if number % 4 == 0 else "abuse") for number in range(200)]
PERCENT = st.integers(1, 100)


@st.composite
def kept(draw: st.DrawFn) -> list[Kept]:
    """Rows of few slices, in groups that may lie in several of them."""
    pairs = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), max_size=40))
    return [a_kept(str(at), slice=name, group=str(group)) for at, (name, group) in enumerate(pairs)]


@given(kept(), PERCENT, PERCENT)
def test_a_smaller_share_is_a_part_of_a_larger_one(rows: list[Kept], one: int, other: int) -> None:
    small, large = (share_of(rows, percent) for percent in sorted((one, other)))
    assert [row for row in large if row in small] == small
    assert [row for row in rows if row in large] == large


@given(kept(), PERCENT)
def test_a_group_is_drawn_as_a_whole_and_all_of_it_is_everything(rows: list[Kept], percent: int) -> None:
    drawn = share_of(rows, percent)
    groups = {row["group"] for row in drawn}
    assert drawn == [row for row in rows if row["group"] in groups]
    assert share_of(rows, 100) == rows


@given(st.permutations(ROWS[:40]), PERCENT)
def test_the_order_of_the_rows_decides_nothing(rows: list[Kept], percent: int) -> None:
    drawn = {row["id"] for row in share_of(rows, percent)}
    assert drawn == {row["id"] for row in share_of(ROWS[:40], percent)}


@pytest.mark.parametrize("percent", [1, 10, 25, 50, 90])
def test_each_slice_gives_its_share(percent: int) -> None:
    whole, drawn = (Counter(row["slice"] for row in rows) for rows in (ROWS, share_of(ROWS, percent)))
    assert all(abs(drawn[name] - count * percent / 100) <= 0.5 for name, count in whole.items())


def answers(right: int, wrong: int = 0, metrics: Sequence[str] = ("intent",)) -> list[Scored]:
    marks = [1.0] * right + [0.0] * wrong
    rows = [scored("student", a_kept(str(at)), "holdout", Answer(), {}) for at in range(len(marks))]
    return [row | {"scores": dict.fromkeys(metrics, mark)} for row, mark in zip(rows, marks, strict=True)]


def shares(*rows: int) -> list[LearnedShare]:
    each = ceil(100 / len(rows))
    return [LearnedShare(share=each * at, rows=own, student="s", estimates=[]) for at, own in enumerate(rows, start=1)]


def test_what_rose_beyond_its_interval_would_rise_further() -> None:
    drawn = learning_curve("s", shares(50, 100), answers(40, 60), answers(80, 20))
    [gain] = drawn.gains
    assert (gain.metric, gain.versus, gain.n) == ("intent", "50% of the rows", 100)
    assert gain.low > 0
    assert gain.mean == pytest.approx(0.4)
    assert drawn.words.startswith("From 50 to 100 rows intent rose by +40.0 points [")
    assert drawn.words.endswith("more rows like these would likely help.")


def test_what_stays_on_a_large_holdout_would_hardly_rise() -> None:
    drawn = learning_curve("s", shares(50, 100), answers(900, 100), answers(900, 100))
    assert drawn.words.endswith("more rows like these would hardly help.")


def test_what_a_small_holdout_cannot_tell_is_said() -> None:
    drawn = learning_curve("s", shares(50, 100), answers(5, 5), answers(6, 4))
    assert "no metric rose beyond its interval (at most intent: +10.0 points [" in drawn.words
    assert drawn.words.endswith("whether more rows like these would help cannot be told on this holdout.")


def test_a_curve_without_any_metric_says_so() -> None:
    drawn = learning_curve("s", shares(50, 100), answers(5, metrics=()), answers(5, metrics=()))
    assert drawn.words.startswith("From 50 to 100 rows nothing was measured both times")


def test_only_the_students_rows_of_the_holdout_count_and_only_what_was_judged_both_times() -> None:
    others = [row | {"system": "teacher"} for row in answers(0, 10)]
    unseen = [row | {"part": "unseen", "id": f"u{row['id']}"} for row in answers(0, 10)]
    last = answers(10, metrics=("intent", "style"))
    last[0]["scores"].pop("style")
    drawn = learning_curve("s", shares(50, 100), [*answers(10, metrics=("intent", "style")), *others], [*last, *unseen])
    assert {gain.metric: (gain.n, gain.unjudged) for gain in drawn.gains} == {"intent": (10, 0), "style": (9, 1)}
    intent, style = drawn.gains
    assert style.low < intent.low <= 0 <= intent.high < style.high
