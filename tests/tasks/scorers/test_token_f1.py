import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scorers import TokenF1
from tasks.scorers.token_f1 import squad_tokens

SCORER = TokenF1(scorer="token_f1")
texts = st.text(alphabet="ab the.\n", max_size=20)


@pytest.mark.parametrize(
    ("text", "reference", "f1"),
    [
        ("The cat sat.", "a cat, sat", 1.0),
        ("the cat sat on the mat", "the cat", 2 * 2 / (4 + 1) / 2),
        ("cat cat", "cat", 2 / 3),
        ("cat", "dog", 0.0),
        ("the", "a", 1.0),
        ("", "cat", 0.0),
    ],
)
def test_it_is_what_the_script_of_squad_gives(text: str, reference: str, f1: float) -> None:
    assert SCORER.score(text, reference).value == pytest.approx(f1)


@given(first=texts, second=texts)
def test_it_is_the_same_both_ways_and_heeds_no_order(first: str, second: str) -> None:
    value = SCORER.score(first, second).value
    assert value == pytest.approx(SCORER.score(second, first).value)
    assert value == pytest.approx(SCORER.score(" ".join(sorted(squad_tokens(first))), second).value)


def test_what_is_shared_is_told_in_numbers() -> None:
    assert SCORER.score("red tent", "blue tent").evidence == "1 shared of 2 tokens and 2"


def test_a_field_is_read_from_both() -> None:
    scorer = TokenF1(scorer="token_f1", field="reply")
    assert scorer.score('{"reply": "a tent"}', '{"reply": "Tent!"}').value == 1.0
    assert scorer.score("a tent", '{"reply": "Tent!"}') == (0.0, "no text in `reply`")
    assert scorer.score('{"reply": "a tent"}', "Tent!") == (0.0, "the reference has no text in `reply`")
