from tasks.failure_modes.unseen import Unseen
from tasks.rows import Kept
from tests.tasks.failure_modes.students import mostly, right, shown, teacher, wrong

MODE = Unseen()


def narrow(row: Kept) -> str:
    """Right on what it knows, wrong on what it does not."""
    return wrong(row) if row["id"].startswith("new") else right(row)


def test_it_fires_on_a_student_that_falls_further_than_the_teacher() -> None:
    found = MODE.examine(shown(narrow))
    assert found.fires == "yes"
    assert found.estimates[0].mean == 1.0


def test_it_fires_on_a_student_below_the_base() -> None:
    assert MODE.examine(shown(wrong, base=right)).fires == "yes"


def test_it_is_quiet_on_a_student_that_carries_over() -> None:
    assert MODE.examine(shown(right)).fires == "no"
    assert MODE.examine(shown(mostly(teacher, wrong, 5))).fires == "no"


def test_what_the_teacher_loses_there_is_not_the_student_s_fault() -> None:
    found = MODE.examine(shown(narrow, other=narrow))
    assert found.fires == "unsettled", "it is no better than the base"
    assert found.estimates[0].mean == 0


def test_without_unseen_rows_it_is_not_measured() -> None:
    found = MODE.examine(shown(right, unseen=0))
    assert (found.fires, found.measured, found.words) == ("no", False, "not measured: 0 rows of unseen slices")
