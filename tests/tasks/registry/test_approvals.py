import pytest
import sqlalchemy as sa

from tasks.artifacts import Dataset
from tasks.errors import StoreError
from tasks.registry import Approvals, Registry
from tasks.registry.tables import VERSIONS
from tests.tasks.students import student

pytestmark = pytest.mark.usefixtures("either_database")

HOLDOUT = Dataset(fingerprint="f" * 64, rows=40)


def waiting(number: int, seconds: float = 60) -> None:
    """Enter a student that beat whoever is on stage and waits for a person."""
    registry = Registry()
    rival = registry.rival("support", student(number))
    assert not registry.enter("support", student(number), rival, "promote", HOLDOUT, waits=True)
    Approvals().ask("support", student(number), seconds)


def test_a_student_that_waits_is_on_stage_once_it_is_approved_and_not_before() -> None:
    waiting(1)
    assert Registry().champion("support") is None
    assert [each.student for each in Approvals().open("support")] == [student(1)]
    Approvals().decide("support", student(1), "approved", "ada", "looked at twenty answers")
    assert Registry().champion("support") == student(1)
    [move] = Registry().moves("support")
    assert (move.why, move.who, move.reason) == ("approved", "ada", "looked at twenty answers")
    assert Approvals().open("support") == []


@pytest.mark.parametrize("decision", ["rejected", "timed out"])
def test_a_student_that_is_rejected_or_that_nobody_decided_on_stays_off_stage(decision: str) -> None:
    waiting(1)
    Approvals().decide("support", student(1), "rejected" if decision == "rejected" else "timed out", "ada", "no")
    found = Approvals().find("support", student(1))
    assert found
    assert (found.decision, found.who, found.note) == (decision, "ada", "no")
    assert Registry().champion("support") is None


def test_who_decides_first_decides() -> None:
    waiting(1)
    Approvals().decide("support", student(1), "rejected", "ada")
    assert Approvals().decide("support", student(1), "approved", "bob").who == "ada"
    assert Registry().champion("support") is None


def test_what_was_decided_on_the_same_evidence_is_not_asked_again() -> None:
    waiting(1)
    Approvals().decide("support", student(1), "rejected", "ada")
    assert Approvals().ask("support", student(1), 60).decision == "rejected"
    Registry().enter("support", student(1), None, "promote", Dataset(fingerprint="e" * 64, rows=90), waits=True)
    assert Approvals().ask("support", student(1), 60).decision is None


def test_a_question_that_nobody_answered_in_time_is_asked_again() -> None:
    waiting(1)
    Approvals().decide("support", student(1), "timed out", "nobody")
    assert Approvals().ask("support", student(1), 60).decision is None
    assert len(Approvals().open("support")) == 1


def test_an_answer_after_the_time_is_over_is_refused() -> None:
    waiting(1, seconds=-1)
    with pytest.raises(StoreError, match="support version 1: the time to decide is over"):
        Approvals().decide("support", student(1), "approved", "ada")
    assert Registry().champion("support") is None


def test_one_that_was_overtaken_while_it_waited_does_not_go_on() -> None:
    waiting(1)
    waiting(2)
    Approvals().decide("support", student(2), "approved", "ada")
    assert Approvals().decide("support", student(1), "approved", "ada").decision == "approved"
    assert Registry().champion("support") == student(2)


def test_a_promotion_by_hand_answers_the_question_and_a_rejected_one_needs_a_reason() -> None:
    waiting(1)
    Registry().promote("support", 1, "ada")
    assert Approvals().open("support") == []
    waiting(2)
    Approvals().decide("support", student(2), "rejected", "bob")
    with pytest.raises(StoreError, match="its verdict was reject by a person"):
        Registry().promote("support", 2, "ada")
    Registry().promote("support", 2, "ada", "bob agreed")
    assert Registry().champion("support") == student(2)


def test_one_that_nobody_approved_in_time_goes_on_stage_by_hand_only_for_a_reason() -> None:
    for number, seconds in ((1, 60.0), (2, -1.0)):
        waiting(number, seconds)
        if seconds > 0:
            Approvals().decide("support", student(number), "timed out", "")
        with pytest.raises(StoreError, match="its verdict was promote, and nobody approved it in time"):
            Registry().promote("support", number, "ada")
        Registry().promote("support", number, "ada", "nobody was there")
        assert Registry().champion("support") == student(number)


@pytest.mark.parametrize("verdict", ["reject", "inconclusive"])
def test_a_student_that_is_judged_otherwise_while_it_waits_cannot_be_approved(verdict: str) -> None:
    waiting(1)
    Registry().enter("support", student(1), None, verdict, HOLDOUT)
    assert Approvals().open("support") == []
    assert Approvals().decide("support", student(1), "approved", "ada").decision == "superseded"
    assert Registry().champion("support") is None
    Registry().enter("support", student(1), None, "promote", HOLDOUT, waits=True)
    assert Approvals().ask("support", student(1), 60).decision is None


def test_an_older_question_about_other_evidence_cannot_be_approved() -> None:
    waiting(1)
    with Registry()._database.begin() as connection:  # as a registry wrote it that closed no questions
        connection.execute(sa.update(VERSIONS).values(verdict="reject"))
    with pytest.raises(StoreError, match="version 1 was judged again since it was asked about, and its verdict is rej"):
        Approvals().decide("support", student(1), "approved", "ada")
    assert Registry().champion("support") is None
    assert Approvals().decide("support", student(1), "rejected", "ada").decision == "rejected"


def test_new_evidence_while_a_question_is_open_supersedes_it() -> None:
    waiting(1)
    Registry().enter("support", student(1), None, "promote", Dataset(fingerprint="e" * 64, rows=90), waits=True)
    Approvals().ask("support", student(1), 60)
    assert [each.holdout for each in Approvals().open("support")] == ["e" * 64]


def test_a_student_that_needs_no_approval_any_more_leaves_no_question_open() -> None:
    waiting(1)
    assert Registry().enter("support", student(1), None, "promote", HOLDOUT)
    assert Approvals().open("support") == []


def test_nobody_can_decide_what_was_never_asked() -> None:
    with pytest.raises(StoreError, match="support: nobody asked about"):
        Approvals().decide("support", student(1), "approved", "ada")
