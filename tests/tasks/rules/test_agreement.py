import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ProjectError
from tasks.rules import Agreement, Candidate, Drop, Keep, Verdict
from tests.tasks.toys import an_output

RULE = Agreement(rule="agreement")


def judged(*answers: str, rule: Agreement = RULE) -> list[Verdict]:
    candidates = [Candidate(an_output("one", text, sample=number), text, False) for number, text in enumerate(answers)]
    return list(rule.judge(candidates))


def test_the_first_of_the_majority_is_kept_and_the_votes_are_the_evidence() -> None:
    seen = "2 of 3 agree: 2 × lost_card | 1 × card_arrival"
    assert judged("card_arrival", "lost_card", "lost_card") == [
        Drop("outvoted", seen),
        Keep(doubt=seen),
        Drop("other_answer", seen),
    ]


def test_a_tie_is_a_disagreement_whatever_came_first() -> None:
    seen = "only 2 of 4 agree: 2 × a | 2 × b"
    assert judged("a", "a", "b", "b") == [Drop("disagreement", seen)] * 4


def test_answers_of_which_no_two_agree_are_all_dropped() -> None:
    assert judged("a", "b") == [Drop("disagreement", "only 1 of 2 agree: 1 × a | 1 × b")] * 2


def test_a_single_answer_needs_no_vote() -> None:
    assert judged("a") == [Keep()]


def test_only_the_named_fields_must_agree() -> None:
    answers = [json.dumps({"intent": intent, "reply": reply}) for intent, reply in (("a", "x"), ("a", "y"), ("b", "x"))]
    kinds = [type(each) for each in judged(*answers, rule=Agreement(rule="agreement", fields=["intent"]))]
    assert kinds == [Keep, Drop, Drop]
    assert [type(each) for each in judged(*answers)] == [Drop] * 3


def test_a_share_above_half_asks_for_more_than_a_majority() -> None:
    strict = Agreement(rule="agreement", at_least=1.0)
    assert [type(each) for each in judged("a", "a", "b", rule=strict)] == [Drop] * 3
    assert [type(each) for each in judged("a", "a", "a", rule=strict)] == [Keep, Drop, Drop]


def test_a_field_that_no_answer_has_is_an_error_that_names_those_they_have() -> None:
    typo = Agreement(rule="agreement", fields=["intent", "acton"])
    answers = ['{"intent": "a", "action": "b"}', '{"intent": "a", "reply": "c"}', "no object"]
    with pytest.raises(
        ProjectError, match=r"agreement: fields: no answer has acton; their fields are action, intent, rep"
    ):
        judged(*answers, rule=typo)
    with pytest.raises(ProjectError, match="no answer has intent, acton; none is a JSON object"):
        judged("a", "b", rule=typo)
    assert list(typo.judge([])) == []


@given(answers=st.lists(st.sampled_from("abc"), min_size=1, max_size=9))
def test_at_most_one_answer_is_kept_and_it_has_the_most_votes(answers: list[str]) -> None:
    kept = [text for text, verdict in zip(answers, judged(*answers), strict=True) if isinstance(verdict, Keep)]
    votes = Counter(answers)
    assert len(kept) <= 1
    for text in kept:
        assert all(votes[text] > count for other, count in votes.items() if other != text)
