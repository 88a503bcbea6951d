import json

import pytest
from pydantic import ValidationError

from tasks.scorers import Terms

SCORER = Terms(
    scorer="terms",
    name="voice",
    field="reply",
    required=["– Fern"],
    forbidden=["item", "store credit", "!", "C++"],
)


def answer(reply: object) -> str:
    return json.dumps({"intent": "exchange", "reply": reply})


@pytest.mark.parametrize(
    "reply", ["Of course. – Fern", "– Fern", "An itemised list. – Fern", "Items and credits. – fern"]
)
def test_a_text_that_keeps_to_the_terms_gets_full_marks(reply: str) -> None:
    assert SCORER.score(answer(reply), "") == (1.0, "")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (answer("Of course."), "lacks '– Fern'"),
        (answer("The item is here. – Fern"), "says 'item'"),
        (answer("THE ITEM. – Fern"), "says 'item'"),
        (answer("An item-level note. – Fern"), "says 'item'"),
        (answer("We give store credit. – Fern"), "says 'store credit'"),
        (answer("Lovely! – Fern"), "says '!'"),
        (answer("Written in C++. – Fern"), "says 'C++'"),
        (answer("Lovely! Item."), "lacks '– Fern'; says 'item'; says '!'"),
        (answer(None), "no text in `reply`"),
        ("Of course. – Fern", "no text in `reply`"),
        ("", "no text in `reply`"),
    ],
)
def test_a_text_that_does_not_gets_no_marks_and_says_why(text: str, seen: str) -> None:
    assert SCORER.score(text, answer("Of course. – Fern")) == (0.0, seen)


def test_without_a_field_the_whole_answer_is_searched() -> None:
    scorer = Terms(scorer="terms", required=["intent"], forbidden=["gear"])
    assert scorer.score(answer("kit"), "").value == 1.0
    assert scorer.score(answer("gear"), "").value == 0.0


def test_terms_are_text_and_no_patterns() -> None:
    scorer = Terms(scorer="terms", forbidden=["a.c", "(", "[x]*"])
    assert scorer.score("abc x", "").value == 1.0
    assert scorer.score("a.c", "").value == 0.0
    assert scorer.score("open (", "").value == 0.0


def test_an_empty_term_is_refused() -> None:
    with pytest.raises(ValidationError):
        Terms(scorer="terms", forbidden=[""])
