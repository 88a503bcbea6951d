import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scorers import as_object
from tasks.scorers.parsing import Score, as_list, part, parts, unfenced, value_of


@given(value=st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_an_object_is_read_with_white_space_around_it(value: dict[str, object]) -> None:
    assert as_object(f" \n{json.dumps(value)}\t") == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "1",
        "{",
        '{"a": 1} {"b": 2}',
        'so: {"a": 1}',
        '{"a":' * 100_000,
        '{"a":' + "1" * 5000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_anything_else_is_no_object(text: str) -> None:
    assert as_object(text) is None


@given(text=st.text())
def test_no_text_raises(text: str) -> None:
    as_object(text)
    assert part(text, None) == text


def test_a_part_is_the_text_of_a_field() -> None:
    assert part('{"reply": "hello", "count": 1, "none": null}', "reply") == "hello"


@pytest.mark.parametrize("field", ["count", "none", "absent"])
def test_a_field_that_holds_no_text_has_no_part(field: str) -> None:
    assert part('{"reply": "hello", "count": 1, "none": null}', field) is None


def test_what_is_no_object_has_no_fields() -> None:
    assert part("hello", "reply") is None


@given(value=st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_an_object_whose_keys_stand_once_is_read_as_ever(value: dict[str, object]) -> None:
    assert as_object(json.dumps(value), each_key_once=True) == value


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '{"a": {"b": 1, "b": 2}}', '{"a": [{"b": 1, "\\u0062": 2}]}'])
def test_a_key_that_stands_twice_is_refused_where_that_is_asked_for(text: str) -> None:
    assert as_object(text) is not None
    assert as_object(text, each_key_once=True) is None


@given(inside=st.text(), language=st.sampled_from(["", "json", "JSON", "json-5", " json "]))
def test_a_fence_around_everything_is_taken_away(inside: str, language: str) -> None:
    assert unfenced(f" \n```{language}\n{inside}\n```\n").strip() == inside.strip()


@pytest.mark.parametrize(
    "text", ["", "```", "``````", "```json {} ```", "so:\n```\n{}\n```", "```\n{}\n```\nso.", "```{\n}```", "{}\n```"]
)
def test_anything_else_stays_as_it_is(text: str) -> None:
    assert unfenced(text) == text


@given(value=st.lists(st.text() | st.integers() | st.none()))
def test_a_list_is_read_with_white_space_around_it(value: list[object]) -> None:
    assert as_list(f" \n{json.dumps(value)}\t") == value


@pytest.mark.parametrize("text", ["", "null", "{}", "1", "[", "[1] [2]", "[NaN]", "[1e999]", "[" * 100_000])
def test_anything_else_is_no_list(text: str) -> None:
    assert as_list(text) is None


def test_the_same_part_is_read_of_an_answer_and_its_reference() -> None:
    assert parts("one", "two", None) == ("one", "two")
    assert parts('{"reply": "one"}', '{"reply": "two"}', "reply") == ("one", "two")
    assert parts("one", '{"reply": "two"}', "reply") == Score(0.0, "no text in `reply`")
    assert parts('{"reply": "one"}', "two", "reply") == Score(0.0, "the reference has no text in `reply`")


def test_what_a_field_holds_is_read_as_it_is() -> None:
    assert value_of('{"count": 1, "tags": ["a"]}', "tags") == ["a"]
    assert value_of('{"count": 1}', "tags") is None
    assert value_of("hello", "tags") is None
