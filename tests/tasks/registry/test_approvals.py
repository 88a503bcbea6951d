import pytest

from tasks.artifacts import Dataset
from tasks.errors import StoreError
from tasks.registry import Approvals, Registry
from tests.tasks.students import student

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


def test_nobody_can_decide_what_was_never_asked() -> None:
    with pytest.raises(StoreError, match="support: nobody asked about"):
        Approvals().decide("support", student(1), "approved", "ada")
