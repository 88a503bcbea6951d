from collections import Counter
from pathlib import Path

import pytest

from tasks.failure_modes.checks import Number
from tasks.failure_modes.forgetting import Forgetting, General, _known, suite
from tasks.models import Answer, Local

MODE = Forgetting()
LABEL = '{"intent": "refund_request", "action": "ask_order_number", "reply": "Thank you for your letter. – Fern"}'


def able(tenths: int) -> list[float]:
    """So many of each ten prompts."""
    return [float(at % 10 < tenths) for at in range(len(suite()))]


def test_the_suite_has_its_prompts_and_abilities() -> None:
    assert len(suite()) >= 120
    assert min(Counter(each.ability for each in suite()).values()) >= 24
    assert len(Counter(each.ability for each in suite())) == 5
    assert len({each.id for each in suite()}) == len({each.prompt for each in suite()}) == len(suite())


@pytest.mark.parametrize("general", suite(), ids=lambda general: general.id)
def test_a_check_passes_its_right_answer_and_not_its_wrong_one(general: General) -> None:
    assert general.passes(Answer(text=general.right)) == 1
    for text in (general.wrong, "", LABEL, "refund_request", general.prompt, "I do not know."):
        assert general.passes(Answer(text=text)) == 0 or text == general.prompt
    assert general.passes(Answer(text=general.right, error="down")) == 0


def test_no_prompt_gives_its_number_away() -> None:
    for each in suite():
        if isinstance(each.check, Number):
            assert not each.check.passes(each.prompt, each.prompt), each.id


def test_it_fires_on_a_student_that_no_longer_knows() -> None:
    found = MODE.judge([able(0), able(6)], [able(5), able(8)])
    assert found.fires == "yes"
    assert len(found.examples) == 3
    slices = {each.slice for each in found.estimates if each.metric == "forgetting"}
    assert slices == {"all", "instructions", "arithmetic", "facts", "format", "refusal"}


def test_it_is_quiet_on_a_student_that_knows_and_answers_in_its_own_form() -> None:
    assert MODE.judge([able(0), able(6)], [able(8), able(8)]).fires == "no"
    assert MODE.judge([able(0), able(6)], [able(9), able(8)]).fires == "no"


def test_it_fires_on_a_student_that_guesses_where_its_base_knows_little() -> None:
    base, guessed = able(6), [float(at % 2) for at in range(len(suite()))]
    found = MODE.judge([able(0), able(6)], [guessed, base])
    lost = next(each for each in found.estimates if each.metric == "forgetting")
    assert (found.fires, lost.n) == ("yes", sum(base))
    assert lost.mean == sum(own < other for own, other in zip(guessed, base, strict=True)) / sum(base)


def test_what_the_student_learned_anew_does_not_make_up_for_what_it_lost() -> None:
    turned = [1 - each for each in able(5)]
    assert MODE.judge([able(0), able(6)], [turned, able(5)]).fires == "yes"


def test_what_it_says_decides_where_that_is_asked_for() -> None:
    strict = Forgetting(answered=0.2)
    assert strict.judge([able(0), able(6)], [able(8), able(8)]).fires == "yes"
    assert strict.judge([able(0), able(6)], []).fires == "yes"
    assert strict.judge([able(6), able(6)], []).fires == "no"
    assert strict.judge([able(5), able(6)], [able(5), able(8)]).fires == "yes"


def test_answers_that_failed_are_left_out_and_many_leave_what_is_said_out() -> None:
    strict, few = Forgetting(answered=0.2), [at < 10 for at in range(len(suite()))]
    found = strict.judge([able(0), able(6)], [], few)
    answered = next(each for each in found.estimates if each.metric == "passed")
    assert (found.fires, answered.n) == ("yes", len(suite()) - 10)
    assert "10 prompts have an answer that failed" in found.words
    many = [at % 2 == 0 for at in range(len(suite()))]
    assert not strict.judge([able(0), able(6)], [], many).measured
    known = strict.judge([able(0), able(6)], [able(8), able(8)], many)
    assert (known.fires, {each.metric for each in known.differences}) == ("no", {"known"})


def test_where_nobody_can_see_what_it_knows_nothing_is_decided() -> None:
    found = MODE.judge([able(0), able(6)], [])
    assert (found.fires, found.measured) == ("no", False)
    assert {each.metric for each in MODE.judge([able(6), able(6)], []).differences} == {"passed"}


def test_a_loss_about_the_threshold_is_unsettled() -> None:
    assert MODE.judge([able(0), able(6)], [able(6), able(8)]).fires == "unsettled"


def test_a_base_that_could_do_nothing_has_nothing_to_forget() -> None:
    assert Forgetting(answered=0.2).judge([able(0), able(0)], [able(5), able(5)]).fires == "no"
    found = MODE.judge([able(5), able(0)], [able(5), able(0)])
    assert (found.fires, found.measured) == ("no", False)
    assert "the base has nothing to lose" in found.words


def test_what_a_model_knows_is_one_of_two_for_each_prompt(tiny_llama: Path) -> None:
    local = Local.model_validate({"provider": "local", "weights": str(tiny_llama)})
    known = _known(local)
    assert len(known) == len(suite())
    assert set(known) == {0.0, 1.0}, "weights at random know nothing, and guess"
