import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rules import Answered, Candidate, Drop, Keep, Verdict
from tests.tasks.toys import a_candidate

RULE = Answered(rule="answered")


def verdict(candidate: Candidate) -> Verdict:
    return next(iter(RULE.judge([candidate])))


def reason(candidate: Candidate) -> str:
    found = verdict(candidate)
    return found.reason if isinstance(found, Drop) else "kept"


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that request.",
        "I’m really sorry, I can’t share that.",
        "I cannot assist with this.",
        "I can't help with that.",
        "I won't write that.",
        "I am unable to answer.",
        "I must decline.",
        "I apologise, but this is outside what I may do.",
        "Sorry, but I can't do that.",
        "As an AI language model, I have no access to orders.",
        "Unfortunately, I cannot see your parcel.",
        "\"I'm sorry, but I can't help.\"",
        "i CANNOT\nhelp",
    ],
)
def test_a_refusal_is_dropped(text: str) -> None:
    assert reason(a_candidate(text)) == "refused"


@pytest.mark.parametrize(
    "text",
    [
        '{"intent": "abuse", "reply": "I\'m sorry, I can\'t help with that. – Fern"}',
        'I\'m sorry for the wait! Here it is: {"intent": "order_status"}',
        "The customer writes: I can't find my parcel.",
        "I canoe on the river.",
        "42",
    ],
)
def test_an_answer_is_not_taken_for_a_refusal(text: str) -> None:
    assert verdict(a_candidate(text)) == Keep()


@pytest.mark.parametrize("finish_reason", ["length", "max_tokens", "model_length"])
def test_an_answer_that_ran_into_its_limit_is_dropped_with_its_end(finish_reason: str) -> None:
    found = verdict(a_candidate('{"reply": "Send the boots to', finish_reason=finish_reason))
    assert isinstance(found, Drop)
    assert found.reason == "cut_off"
    assert found.evidence.endswith("Send the boots to")


@pytest.mark.parametrize("text", ["", " \n\t", "\u3000"])
def test_no_text_is_dropped_as_empty(text: str) -> None:
    assert reason(a_candidate(text)) == "empty"


def test_an_error_is_dropped_as_failed_with_the_error_whatever_else_it_is() -> None:
    assert verdict(a_candidate("", finish_reason="length", error="timed out")) == Drop("failed", "timed out")


@given(fields=st.dictionaries(st.text(), st.text()))
def test_no_finished_json_object_is_dropped(fields: dict[str, str]) -> None:
    assert verdict(a_candidate(json.dumps(fields))) == Keep()
