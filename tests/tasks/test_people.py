import json

import pytest

from tasks.evidence import ALL, Estimate, GoneReview
from tasks.people import approved_answers, reviews_by_id, says, teacher_errors, what_people_say
from tasks.reviews import Decision, Review, row_key
from tasks.rows import Output
from tests.tasks.toys import an_output


def a_review(row: Output, decision: Decision, answer: str = "", drawn: bool = False, note: str = "") -> Review:
    return Review(row_key(row), row["id"], decision, answer, note, drawn)


def estimates(found: list[Estimate]) -> dict[tuple[str, str, str], tuple[float, int]]:
    return {(each.part, each.metric, each.slice): (each.mean, each.n) for each in found}


def test_a_review_finds_its_row_under_another_id() -> None:
    row = an_output("a", "x", "where is it?")
    review = a_review(row, "approve", "x")
    renamed = an_output("b", "x", "where  is it?")
    assert reviews_by_id([renamed, an_output("c", "x")], {review.row: review}) == {"b": review}


def test_a_review_wins_over_the_gold_file_and_a_veto_over_both() -> None:
    rows = [an_output(id, "teacher's") for id in "abc"]
    gold = {"a": "gold", "b": "gold", "c": "gold"}
    reviews = {"a": a_review(rows[0], "correct", "better"), "b": a_review(rows[1], "veto")}
    assert approved_answers(gold, reviews) == {"a": "better", "c": "gold"}
    people = what_people_say(rows, gold, reviews, {each.row: each for each in reviews.values()})
    assert (people.approved, people.corrected, people.vetoed, people.over_gold) == (0, 1, 1, 2)
    agreeing = {"a": a_review(rows[0], "approve", "gold")}
    assert what_people_say(rows, gold, agreeing, {}).over_gold == 0


def test_a_review_whose_row_is_gone_is_named() -> None:
    here, gone = an_output("here", "x"), an_output("gone", "x")
    ever = {each.row: each for each in (a_review(here, "approve", "x"), a_review(gone, "correct", "y"))}
    people = what_people_say([here], {}, reviews_by_id([here], ever), ever)
    assert people.gone == [GoneReview(id="gone", decision="correct")]
    assert people.approved == 1
    assert people.corrected == 0


def test_a_teacher_is_wrong_where_gold_differs_by_field_and_by_slice() -> None:
    rows = [an_output(str(number), json.dumps({"intent": "a", "reply": f"r{number}"})) for number in range(4)]
    rows[3]["slice"] = "odd"
    gold = {str(number): json.dumps({"reply": f"r{number}", "intent": "a"}) for number in range(3)}
    gold["3"] = json.dumps({"intent": "b", "reply": "r3"})
    found = estimates(list(teacher_errors(rows, gold, {})))
    assert found["gold", "whole answer", ALL] == (0.25, 4)
    assert found["gold", "intent", ALL] == (0.25, 4)
    assert found["gold", "reply", ALL] == (0.0, 4)
    assert found["gold", "intent", "odd"] == (1.0, 1)


def test_the_rate_has_an_interval_that_heeds_groups() -> None:
    rows = [an_output(str(number), "no") for number in range(20)]
    gold = {str(number): "yes" if number < 4 else "no" for number in range(20)}
    [rate] = [each for each in teacher_errors(rows, gold, {}) if each.slice == ALL]
    assert (rate.mean, rate.n, rate.groups) == (0.2, 20, 20)
    assert (rate.low, rate.high) == pytest.approx((0.0573, 0.4366), abs=0.0001)  # exact for 4 of 20
    grouped = [row | {"group": str(int(row["id"]) // 4)} for row in rows]
    [wider] = [each for each in teacher_errors(grouped, gold, {}) if each.slice == ALL]  # type: ignore[arg-type]
    assert wider.groups == 5
    assert wider.high > rate.high


def test_an_answer_that_failed_is_wrong_and_every_teacher_has_a_rate() -> None:
    rows = [an_output("a", "", error="timed out", teacher="one"), an_output("a", "YES\n", teacher="two")]
    assert {each.system: each.mean for each in teacher_errors(rows, {"a": "yes"}, {})} == {"one": 1.0, "two": 0.0}


def test_reviewed_rows_count_only_where_they_were_drawn_at_random() -> None:
    rows = [an_output(id, "no") for id in "abcd"]
    reviews = {
        "a": a_review(rows[0], "approve", "no", drawn=True),
        "b": a_review(rows[1], "correct", "yes", drawn=True),
        "c": a_review(rows[2], "veto", "no", drawn=True),
        "d": a_review(rows[3], "correct", "yes"),
    }
    assert estimates(list(teacher_errors(rows, {}, reviews)))["drawn", "whole answer", ALL] == (pytest.approx(2 / 3), 3)
    another = [row | {"text": "maybe"} for row in rows]
    found = estimates(list(teacher_errors(another, {}, reviews)))  # type: ignore[arg-type]
    assert found["drawn", "whole answer", ALL] == (1.0, 2)  # of what was vetoed nobody knows the right answer


@pytest.mark.parametrize(
    ("one", "other"),
    [('{"a": 1, "b": [true]}', '{ "b": [true],\n"a": 1 }'), ("Card  Arrival\n", "card arrival"), ("", " ")],
)
def test_answers_that_say_the_same_are_told_by_value_and_by_words(one: str, other: str) -> None:
    assert says(one) == says(other)


@pytest.mark.parametrize(("one", "other"), [('{"a": 1}', '{"a": "1"}'), ("yes", "no"), ('{"a": "x"}', '{"a": "X"}')])
def test_answers_that_say_something_else_are_told_apart(one: str, other: str) -> None:
    assert says(one) != says(other)
