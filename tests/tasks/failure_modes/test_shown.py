import json

import pytest

from tasks.failure_modes.shown import Shown, drawn
from tests.tasks.failure_modes.students import SCORERS, answer, right, rows, shown, wrong


def test_worth_rests_on_the_scorers_that_tell_answers_apart() -> None:
    seen = shown(right)
    reference = answer("refund", "yes. Fern")
    assert seen.worth([answer("refund", "no")], [reference]) == [1], "the voice is a form alone"
    assert seen.worth([answer("exchange", "yes. Fern")], [reference]) == [0]
    assert set(seen.scores("holdout", "student")) == {1.0}
    assert set(shown(wrong).scores("unseen", "student")) == {0.0}


def test_where_no_scorer_tells_answers_apart_all_count() -> None:
    seen = Shown(SCORERS[1:], [], rows(4, "held"), [], [])
    assert seen.worth([answer("refund", "Fern"), answer("refund", "no")], ["", ""]) == [1, 0]


def test_a_metric_without_a_readable_verdict_is_left_out() -> None:
    seen = shown(right, held=2)
    for each in seen._scored.values():
        each["scores"] = {}
    assert seen.scores("holdout", "student") == [0.0, 0.0]


def test_only_rows_that_both_answered_stand_beside_each_other() -> None:
    seen = shown(right, held=4, unseen=2)
    seen._scored["student", "holdout", "held-0"]["error"] = "down"
    seen._scored["teacher", "unseen", "new-1"]["error"] = "down"
    assert [each.row["id"] for each in seen.beside("teacher")] == ["held-1", "held-2", "held-3", "new-0"]
    assert [each.row["id"] for each in seen.beside("teacher", ["unseen"])] == ["new-0"]
    assert seen.beside("champion") == []


def test_rows_are_drawn_by_what_was_said_and_not_by_their_order() -> None:
    own = rows(30, "train")
    assert drawn(own, "one", 10) == drawn(own[::-1], "one", 10)
    assert drawn(own, "one", 10) == drawn(own, "one", 30)[:10]
    assert drawn(own, "one", 10) != drawn(own, "two", 10)


@pytest.mark.parametrize("part", ["holdout", "unseen"])
def test_the_made_up_teacher_gets_full_marks(part: str) -> None:
    seen = shown(right)
    assert set(seen.scores(part, "teacher")) == {1.0}
    assert all(json.loads(row["reference"]) for row in seen.parts[part])
