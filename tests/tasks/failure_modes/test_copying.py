from tasks.failure_modes.copying import Copying
from tasks.rows import Kept
from tests.tasks.failure_modes.students import mostly, right, shown, teacher

MODE = Copying()


def copy(row: Kept) -> str:
    return row["messages"][-1]["content"]


def test_it_fires_on_a_student_that_says_the_input_back() -> None:
    assert MODE.examine(shown(copy)).fires == "yes"
    found = MODE.examine(shown(mostly(teacher, copy, 4)))
    assert found.fires == "yes"
    assert len(found.examples) == 3


def test_it_is_quiet_on_answers_and_where_the_teacher_copies_too() -> None:
    assert MODE.examine(shown(right)).fires == "no"
    assert MODE.examine(shown(copy, other=copy)).fires == "no"


def test_a_few_copies_are_unsettled() -> None:
    assert MODE.examine(shown(mostly(right, copy, 10))).fires == "unsettled"


def test_few_rows_are_not_measured() -> None:
    assert not MODE.examine(shown(copy, held=5, unseen=4)).measured
