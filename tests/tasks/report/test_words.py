import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evidence import Measure
from tasks.report.words import count, dollars, duration, percent, points, shown, signed
from tests.tasks.report.runs import difference, estimate


@given(text=st.text())
def test_every_text_is_shown_in_characters_that_show(text: str) -> None:
    assert all(each.isprintable() or each in "\n\t" for each in shown(text))


@given(text=st.text(min_size=50), limit=st.integers(10, 40))
def test_what_is_cut_says_how_long_it_was_however_often_it_is_cut(text: str, limit: int) -> None:
    assert shown(text, limit).endswith(f" … ({len(text):,} characters)")
    assert shown(f"{text} … (1,234,567 characters)", limit).endswith(" … (1,234,567 characters)")


def test_a_short_text_is_shown_whole_with_its_lines() -> None:
    assert shown("Grüße – “naïve” 日本 👍\nsecond line") == "Grüße – “naïve” 日本 👍\nsecond line"


def test_a_mean_is_shown_with_its_interval_in_tenths_where_that_is_narrow() -> None:
    assert percent(estimate("student", 0.8)) == "80 % [70–90]"
    assert percent(Measure(mean=0.8012, low=0.79, high=0.81, n=10_000, groups=10_000)) == "80.1 % [79.0–81.0]"


def test_a_difference_has_its_sign() -> None:
    assert points(difference(estimate("student", 0.05), "base")) == "+5 [0, +15]"
    assert signed(-3.04, 1) == "−3.0"
    assert signed(-0.04, 1) == signed(0.0) == "0"


@pytest.mark.parametrize(
    ("usd", "words"),
    [(None, "not known"), (0.0, "$0.00"), (0.00123, "$0.0012"), (0.5, "$0.50"), (12.5, "$12.50"), (1234.5, "$1,234")],
)
def test_dollars_are_rounded_as_people_read_them(usd: float | None, words: str) -> None:
    assert dollars(usd) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.123, "0.12 s"), (12.4, "12 s"), (425.7, "7 min"), (5400, "1.5 h"), (90_000, "25.0 h")]
)
def test_a_time_is_in_the_unit_that_people_name_it_in(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_thousands_stand_apart() -> None:
    assert count(1234567) == "1,234,567"
