import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.errors import ProjectError
from tasks.rules import Drop, Keep, Pattern, Verdict
from tests.tasks.toys import a_candidate

ORDER = Pattern(rule="pattern", name="order_number", pattern=r"HF-\d{5}")
BOMB = Pattern(rule="pattern", pattern=r"(a|a|aa)+b\1$")
ENDLESS = "a" * 5_000


def verdict(text: str, rule: Pattern = ORDER) -> Verdict:
    return next(iter(rule.judge([a_candidate(text)])))


def test_the_whole_text_must_match_where_nothing_else_is_said() -> None:
    assert verdict("HF-20418") == Keep()
    assert verdict("Order HF-20418") == Drop("order_number", "no match: 'Order HF-20418'")


def test_it_may_be_found_somewhere_or_in_a_field() -> None:
    somewhere = Pattern(rule="pattern", pattern=r"HF-\d{5}", whole=False, field="reply")
    assert verdict('{"reply": "Order HF-20418 left."}', somewhere) == Keep()
    assert verdict('{"reply": "It left."}', somewhere) == Drop("pattern", "no match: 'It left.'")
    assert verdict("HF-20418", somewhere) == Drop("pattern", "no text in `reply`")


@pytest.mark.parametrize("pattern", ["(", "[a-", "a{2,1}", "(?P<n>a)(?P=m)"])
def test_what_is_no_regular_expression_is_refused_when_the_project_is_loaded(pattern: str) -> None:
    with pytest.raises(ValidationError, match="is not a regular expression"):
        Pattern(rule="pattern", pattern=pattern)


def test_an_answer_on_which_it_comes_to_no_end_is_dropped_and_the_next_is_judged() -> None:
    started = time.monotonic()
    found = list(BOMB.judge([a_candidate(ENDLESS), a_candidate("aba")]))
    assert isinstance(found[0], Drop)
    assert "came to no end" in found[0].evidence
    assert isinstance(found[1], Drop | Keep)
    assert time.monotonic() - started < 10


def test_a_pattern_that_comes_to_no_end_again_and_again_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.scorers.pattern._SECONDS", 0.01)
    with pytest.raises(ProjectError, match="came to no end"):
        list(BOMB.judge([a_candidate(ENDLESS)] * 50))


@given(text=st.text(alphabet="ab1 \n", max_size=12))
def test_it_reads_expressions_as_python_does(text: str) -> None:
    rule = Pattern(rule="pattern", pattern=r"a+\s?\d|b*")
    assert isinstance(verdict(text, rule), Keep) == bool(re.fullmatch(r"a+\s?\d|b*", text))


@pytest.mark.parametrize("pattern", ["((a{999}){999}){999}", "a{1000000000}", "(a{2,400}){,400}"])
def test_a_pattern_that_repeats_without_measure_is_refused_at_load(pattern: str) -> None:
    with pytest.raises(ValueError, match="repeats more than 100000 times"):
        Pattern(rule="pattern", pattern=pattern)
