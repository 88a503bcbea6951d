import pytest
from hypothesis import given
from hypothesis import strategies as some

from tasks.failure_modes.robustness import _KINDS, Robustness
from tasks.models import Answer
from tasks.rows import Kept
from tests.tasks.failure_modes.students import Says, mostly, right, shown, wrong

MODE = Robustness()


def examined(typed: Says, plain: Says = right) -> str:
    seen = shown(plain)
    perturbed = MODE.perturb(seen)
    return MODE.examine(seen, perturbed, [Answer(text=typed(each.row)) for each in perturbed]).fires


def other_words(row: Kept) -> str:
    return right(row).replace("fine", "quite all right")


def test_it_fires_where_typos_change_the_answer() -> None:
    assert examined(wrong) == "yes"
    assert examined(mostly(right, wrong, 2)) == "yes"


def test_it_is_quiet_where_answers_stay_and_where_only_words_change_that_are_not_scored() -> None:
    assert examined(right) == "no"
    assert examined(other_words) == "no"


def test_a_wrong_answer_that_stays_is_robust() -> None:
    assert examined(wrong, plain=wrong) == "no"


def test_answers_that_fail_have_changed() -> None:
    seen = shown(right)
    perturbed = MODE.perturb(seen)
    assert MODE.examine(seen, perturbed, [Answer(error="down")] * len(perturbed)).fires == "yes"


def test_one_row_is_typed_in_one_way_the_same_whatever_the_order() -> None:
    seen, turned = shown(right), shown(right)
    turned.parts = {name: own[::-1] for name, own in turned.parts.items()}
    found = MODE.perturb(seen)
    assert len(found) == MODE.rows == len({each.row["id"] for each in found})
    assert {each.kind for each in found} == set(_KINDS)
    assert found == MODE.perturb(turned)


def test_rows_keep_their_ids_and_all_but_the_last_message() -> None:
    for each in MODE.perturb(shown(right)):
        assert each.row["messages"] != each.plain["messages"]
        assert each.row | {"messages": each.plain["messages"]} == each.plain


@given(some.text(max_size=60))
@pytest.mark.parametrize("kind", _KINDS)
def test_no_number_and_no_letter_is_lost(kind: str, text: str) -> None:
    typed = _KINDS[kind](text).casefold()
    assert [each for each in typed if each.isdigit()] == [each for each in text.casefold() if each.isdigit()]
    lost = sorted(each for each in text.casefold() if each.isalpha())
    kept = sorted(each for each in typed if each.isalpha())
    assert kept == lost or kind in ("paraphrase", "case")


@pytest.mark.parametrize("kind", _KINDS)
def test_order_numbers_and_codes_stay_as_they_are(kind: str) -> None:
    assert "HF-ABCDE and AB1234CD" in _KINDS[kind]("HF-ABCDE and AB1234CD")


@pytest.mark.parametrize(
    ("text", "said"),
    [("I can't open it.", "I cannot open it."), ("I am waiting.", "I'm waiting."), ("Tents?", "Tents?")],
)
def test_a_paraphrase_says_the_same_in_other_words(text: str, said: str) -> None:
    typed = _KINDS["paraphrase"](text)
    assert said in typed
    assert len(typed) > len(text)
    assert typed == _KINDS["paraphrase"](text)


def test_few_rows_are_not_measured() -> None:
    seen = shown(right, held=9)
    assert not MODE.examine(seen, MODE.perturb(seen), []).measured
