import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from tasks.scorers import SetF1

TAGS = SetF1(scorer="set_f1", field="tags")
WHOLE = SetF1(scorer="set_f1")
LINES = SetF1(scorer="set_f1", items="lines")
COMMAS = SetF1(scorer="set_f1", items="commas", field="tags")
LETTERS = "abcdef"
sets = st.sets(st.sampled_from(LETTERS))


def held(items: object) -> str:
    return json.dumps({"tags": items})


@given(given_=sets, wanted=sets)
def test_it_is_the_f1_that_sklearn_gives_over_the_items(given_: set[str], wanted: set[str]) -> None:
    value = TAGS.score(held(sorted(given_)), held(sorted(wanted))).value
    there = [[letter in items for letter in LETTERS] for items in (wanted, given_)]
    assert value == pytest.approx(f1_score(*there, zero_division=1.0))


@given(items=st.lists(st.sampled_from(LETTERS), min_size=1), order=st.randoms())
def test_order_and_repetition_mean_nothing(items: list[str], order: random.Random) -> None:
    shuffled = [*items, items[0]]
    order.shuffle(shuffled)
    assert TAGS.score(held(shuffled), held(items)) == (1.0, "")


def test_what_is_lacking_and_what_is_added_is_named() -> None:
    score = TAGS.score(held(["a", "b", "x"]), held(["a", "b", "c", "d"]))
    assert score.value == pytest.approx(2 * 2 / 7)
    assert score.evidence == 'lacks "c", "d"; adds "x"'


def test_items_may_be_any_json_and_are_equal_where_they_are_written_alike() -> None:
    assert WHOLE.score('[{"b": 1, "a": null}, 2]', '[2, {"a": null, "b": 1}]').value == 1.0
    assert WHOLE.score("[1, true]", '["1", "true"]').value == 0.0


def test_items_may_stand_one_a_line_or_between_commas() -> None:
    assert LINES.score("tent\r\n\n stove ", "stove\ntent").value == 1.0
    assert COMMAS.score(held("tent,stove,"), held("stove, tent")).value == 1.0


@pytest.mark.parametrize(
    ("text", "reference", "seen"),
    [
        ("tent", held([]), "no items in `tags`"),
        (held("tent"), held(["tent"]), "no items in `tags`"),
        (held(["tent"]), "tent", "the reference has no items in `tags`"),
    ],
)
def test_what_is_no_list_gets_no_marks(text: str, reference: str, seen: str) -> None:
    assert TAGS.score(text, reference) == (0.0, seen)
