import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import ProjectError
from tasks.rules import Candidate, Contradiction, Drop
from tests.tasks.toys import an_output

RULE = Contradiction(rule="contradiction")
PARCEL = "Hello, my parcel has not come yet although it was sent last Monday. Where is it now?"
BOOTS = "The sole of my left boot came off on the second walk. Can you mend it, please?"


def candidate(id: str, text: str, said: str = PARCEL, approved: bool = False, sample: int = 0) -> Candidate:
    return Candidate(an_output(id, text, said, sample=sample), text, approved)


def dropped(*candidates: Candidate, rule: Contradiction = RULE) -> dict[str, str]:
    verdicts = zip(candidates, rule.judge(candidates), strict=True)
    assert all(verdict.reason == "contradiction" for _, verdict in verdicts if isinstance(verdict, Drop))
    verdicts = zip(candidates, rule.judge(candidates), strict=True)
    return {each.row["id"]: verdict.evidence for each, verdict in verdicts if isinstance(verdict, Drop)}


def test_the_minority_goes_and_names_the_other_row_and_the_votes() -> None:
    rows = [candidate("one", "status"), candidate("two", "refund", PARCEL + "!"), candidate("three", "status")]
    assert dropped(*rows) == {"two": "nearly repeats one; 2 × status | 1 × refund; not refund"}


def test_both_go_where_the_vote_is_tied() -> None:
    assert set(dropped(candidate("one", "status"), candidate("two", "refund"))) == {"one", "two"}


def test_rows_that_ask_something_else_do_not_vote() -> None:
    assert dropped(candidate("one", "status"), candidate("two", "warranty", BOOTS)) == {}


def test_an_approved_answer_outvotes_any_number() -> None:
    rows = [candidate(str(number), "refund") for number in range(3)]
    found = dropped(*rows, candidate("gold", "status", approved=True))
    assert found == dict.fromkeys("012", "nearly repeats gold; approved: 1 × status; not refund")


def test_several_answers_to_one_row_are_left_to_agreement() -> None:
    assert dropped(candidate("one", "status"), candidate("one", "refund", sample=1)) == {}


def test_prose_may_say_the_same_in_other_words_but_named_fields_must_agree() -> None:
    replies = ["It left us on Monday and comes soon.", "Your parcel is on its way since Monday."]
    assert dropped(*(candidate(text[:4], text) for text in replies)) == {}
    said = [json.dumps({"intent": "status", "reply": text}) for text in replies]
    by_intent = Contradiction(rule="contradiction", fields=["intent"])
    assert dropped(*(candidate(text[-9:], text) for text in said), rule=by_intent) == {}
    other = candidate("other", json.dumps({"intent": "refund", "reply": replies[0]}))
    assert set(dropped(candidate("a", said[0]), candidate("b", said[1]), other, rule=by_intent)) == {"other"}


def test_a_field_that_no_answer_has_is_an_error_that_names_those_they_have() -> None:
    typo = Contradiction(rule="contradiction", fields=["intent", "acton"])
    answers = ['{"intent": "a", "action": "b"}', '{"intent": "a", "reply": "c"}', "no object"]
    with pytest.raises(
        ProjectError, match=r"contradiction: fields: no answer has acton; their fields are action, intent, rep"
    ):
        dropped(*(candidate(text, text) for text in answers), rule=typo)
    with pytest.raises(ProjectError, match="no answer has intent, acton; none is a JSON object"):
        dropped(candidate("a", "b"), rule=typo)
    assert list(typo.judge([])) == []


@settings(deadline=None, max_examples=40)
@given(drawn=st.lists(st.tuples(st.sampled_from([PARCEL, BOOTS]), st.sampled_from("ab"), st.booleans()), max_size=8))
def test_what_is_left_contradicts_itself_only_where_people_do(drawn: list[tuple[str, str, bool]]) -> None:
    rows = [candidate(f"row-{number}", text, said, approved) for number, (said, text, approved) in enumerate(drawn)]
    lost = dropped(*rows)
    assert not any(each.approved for each in rows if each.row["id"] in lost)
    for said in (PARCEL, BOOTS):
        left = [each for each in rows if each.row["id"] not in lost and each.row["messages"][0]["content"] == said]
        approved = {each.text for each in left if each.approved}
        assert len({each.text for each in left}) <= max(1, len(approved))
