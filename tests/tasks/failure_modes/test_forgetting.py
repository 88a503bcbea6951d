from collections import Counter

import pytest

from tasks.failure_modes.checks import Number
from tasks.failure_modes.forgetting import Forgetting, General, suite
from tasks.models import Answer

MODE = Forgetting()
RIGHT = [Answer(text=each.right) for each in suite()]
WRONG = [Answer(text=each.wrong) for each in suite()]
LABEL = '{"intent": "refund_request", "action": "ask_order_number", "reply": "Thank you for your letter. – Fern"}'


def able(share: float) -> list[Answer]:
    """The first so many of each ten prompts are passed."""
    return [one if at % 10 < 10 * share else two for at, (one, two) in enumerate(zip(RIGHT, WRONG, strict=True))]


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


def test_it_fires_on_a_student_that_forgot() -> None:
    found = MODE.judge([Answer(text=LABEL)] * len(suite()), able(0.6))
    assert found.fires == "yes"
    assert len(found.examples) == 3
    assert {each.slice for each in found.estimates if each.metric == "forgetting"} == {
        "all",
        "instructions",
        "arithmetic",
        "facts",
        "format",
        "refusal",
    }


def test_it_is_quiet_on_a_student_that_kept_or_gained() -> None:
    assert MODE.judge(able(0.6), able(0.6)).fires == "no"
    assert MODE.judge(able(0.5), able(0.6)).fires == "no"
    assert MODE.judge(able(0.9), able(0.6)).fires == "no"


def test_a_loss_about_the_threshold_is_unsettled() -> None:
    assert MODE.judge(able(0.6 - MODE.threshold), able(0.6)).fires == "unsettled"


def test_a_base_that_could_do_nothing_has_nothing_to_forget() -> None:
    found = MODE.judge(WRONG, WRONG)
    assert (found.fires, found.measured) == ("no", False)
