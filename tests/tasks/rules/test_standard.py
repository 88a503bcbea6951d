import pytest
from pydantic import ValidationError

from tasks.rules import Drop, Keep, Standard
from tests.tasks.toys import a_candidate

SHORT = Standard.model_validate(
    {"rule": "standard", "scorer": {"scorer": "words", "name": "length", "field": "reply", "at_most": 3}}
)


def test_full_marks_are_kept_and_anything_less_is_dropped_under_the_metrics_name() -> None:
    answers = ['{"reply": "one two three"}', '{"reply": "one two three four"}', "no object"]
    assert list(SHORT.judge([a_candidate(text) for text in answers])) == [
        Keep(),
        Drop("length", "4 words"),
        Drop("length", "no text in `reply`"),
    ]


def test_the_text_is_judged_as_repaired_so_far() -> None:
    candidate = a_candidate('```\n{"reply": "one"}\n```')._replace(text='{"reply": "one"}')
    assert list(SHORT.judge([candidate])) == [Keep()]


def test_a_scorer_that_needs_a_reference_is_refused() -> None:
    with pytest.raises(ValidationError):
        Standard.model_validate(
            {"rule": "standard", "scorer": {"scorer": "fields", "name": "intent", "fields": ["intent"]}}
        )


def test_a_pattern_is_a_standard_too() -> None:
    pattern = {"scorer": "pattern", "name": "order", "pattern": r"HF-\d{5}", "whole": False}
    rule = Standard.model_validate({"rule": "standard", "scorer": pattern})
    assert list(rule.judge([a_candidate("HF-20418 left."), a_candidate("It left.")])) == [
        Keep(),
        Drop("order", "no match: 'It left.'"),
    ]
