import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.caching import content
from tasks.reviews import Decision, Review, Reviewed, Reviews, Shown, row_key
from tasks.rows import Input, Message
from tests.tasks.toys import an_input

pytestmark = pytest.mark.usefixtures("either_database")


def a_review(
    row: str, decision: Decision = "approve", answer: str = "yes", note: str = "", drawn: bool = False
) -> Review:
    return Review(row, f"id of {row}", decision, answer, note, drawn)


def test_the_last_review_of_a_row_wins_and_none_is_lost() -> None:
    reviews = Reviews()
    reviews.add("shop", [a_review("a"), a_review("b")], "ann")
    then = reviews.reviewed("shop")
    reviews.add("shop", [a_review("a", "veto", note="wrong")], "bob")
    assert reviews.latest("shop") == {"a": a_review("a", "veto", note="wrong"), "b": a_review("b")}
    assert then.by_row() == {"a": a_review("a"), "b": a_review("b")}
    assert Reviews().latest("other") == {}


def test_reviews_are_added_whole_or_not_at_all() -> None:
    with pytest.raises(AttributeError):
        Reviews().add("shop", [a_review("a"), "no review"], "ann")  # type: ignore[list-item]
    assert Reviews().latest("shop") == {}


def test_what_is_cached_follows_what_reviews_say_and_not_when_they_were_given() -> None:
    assert Reviews().reviewed("shop").by_row() == {}
    assert content(Reviews().reviewed("shop")) == content(Reviewed())
    Reviews().add("shop", [a_review("a"), a_review("b")], "ann")
    Reviews().add("other", [a_review("b")], "ann")
    Reviews().add("other", [a_review("a")], "bob")
    assert content(Reviews().reviewed("shop")) == content(Reviews().reviewed("other"))
    Reviews().add("other", [a_review("a", answer="no")], "ann")
    assert content(Reviews().reviewed("shop")) != content(Reviews().reviewed("other"))


def test_what_people_were_asked_is_remembered_by_its_key() -> None:
    asked = [Shown("a" * 64, "a", "yes", False), Shown("a" * 64, "a", "no", False), Shown("b" * 64, "b", "", True)]
    Reviews().show("shop", asked)
    Reviews().show("shop", asked[:1])
    assert Reviews().shown("shop") == {each.key: each for each in asked}
    assert len({each.key for each in asked}) == 3
    assert Reviews().shown("other") == {}


def a_row(id: str, *turns: tuple[str, str]) -> Input:
    return an_input(id) | {"messages": [Message(role=role, content=said) for role, said in turns]}  # type: ignore[return-value]


@given(said=st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_a_row_keeps_its_key_under_another_id_slice_group_or_spacing(said: list[str]) -> None:
    turns = [("user", text) for text in said]
    spaced = [("user", f"  {text}\n") for text in said]
    renamed = a_row("b", *spaced) | {"slice": "other", "group": "other"}
    assert row_key(a_row("a", *turns)) == row_key(renamed)  # type: ignore[arg-type]


def test_another_word_or_another_speaker_is_another_row() -> None:
    rows = [
        a_row("a", ("user", "one"), ("assistant", "two"), ("user", "three")),
        a_row("a", ("user", "one"), ("user", "two"), ("user", "three")),
        a_row("a", ("user", "one two"), ("user", "three")),
        a_row("a", ("user", "onetwo"), ("user", "three")),
    ]
    assert len({row_key(row) for row in rows}) == len(rows)
