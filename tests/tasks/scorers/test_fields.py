import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scorers import Fields

SCORER = Fields(scorer="fields", name="intent_and_action", fields=["intent", "action"])
REFERENCE = '{"intent": "exchange", "action": "send_exchange", "reply": "Of course. – Fern"}'


def test_the_reference_gets_full_marks() -> None:
    assert SCORER.score(REFERENCE, REFERENCE) == (1.0, "")


def test_the_other_fields_do_not_count() -> None:
    assert SCORER.score('{"action": "send_exchange", "intent": "exchange"}', REFERENCE).value == 1.0


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ('{"intent": "exchange", "action": "decline"}', "action: 'decline', not 'send_exchange'"),
        ('{"intent": "Exchange", "action": "send_exchange"}', "intent: 'Exchange', not 'exchange'"),
        ('{"intent": "exchange"}', "action: None, not 'send_exchange'"),
        ('{"intent": ["exchange"], "action": "send_exchange"}', "intent: ['exchange'], not 'exchange'"),
        ("{}", "intent: None"),
        ("exchange, send_exchange", "not a JSON object"),
        (f"```json\n{REFERENCE}\n```", "not a JSON object"),
        (f"[{REFERENCE}]", "not a JSON object"),
        ("", "not a JSON object"),
    ],
)
def test_a_wrong_answer_gets_no_marks_and_says_what_is_wrong(text: str, seen: str) -> None:
    score = SCORER.score(text, REFERENCE)
    assert score.value == 0.0
    assert seen in score.evidence


@pytest.mark.parametrize("reference", ["", "approved in prose", "[]", '{"intent": "exchange"}'])
def test_no_answer_matches_what_the_reference_does_not_have(reference: str) -> None:
    assert SCORER.score('{"intent": "exchange", "action": "decline"}', reference).value == 0.0


@pytest.mark.parametrize("reference", ["approved in prose", "{}"])
def test_null_does_not_match_what_the_reference_does_not_have(reference: str) -> None:
    assert SCORER.score('{"intent": null, "action": null}', reference).value == 0.0


def test_a_number_does_not_match_a_truth_value() -> None:
    paid = Fields(scorer="fields", name="paid", fields=["paid"])
    assert paid.score('{"paid": 1}', '{"paid": true}').value == 0.0


@given(text=st.text(), reference=st.text())
def test_every_score_is_0_or_1(text: str, reference: str) -> None:
    assert SCORER.score(text, reference).value in {0.0, 1.0}


@given(intent=st.text(), action=st.integers() | st.lists(st.text()) | st.none())
def test_any_reference_with_the_fields_gets_full_marks(intent: str, action: object) -> None:
    text = json.dumps({"intent": intent, "action": action})
    assert SCORER.score(text, text).value == 1.0
