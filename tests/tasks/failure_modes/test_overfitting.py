from tasks.failure_modes.overfitting import Overfitting
from tasks.models import Answer
from tests.tasks.failure_modes.students import Says, mostly, right, rows, shown, wrong

MODE = Overfitting()


def examined(on_learned: Says, on_held: Says, held: int = 80, errors: bool = False) -> tuple[str, bool, str]:
    seen = shown(on_held, held=held)
    pairs = MODE.pairs(seen)
    answers = [Answer(error="down") if errors else Answer(text=on_learned(pair.learned)) for pair in pairs]
    found = MODE.examine(seen, pairs, answers)
    return found.fires, found.measured, found.words


def test_it_fires_on_a_student_that_knows_its_rows_and_not_the_task() -> None:
    assert examined(right, mostly(right, wrong, 2))[0] == "yes"


def test_it_is_quiet_where_both_are_done_alike() -> None:
    assert examined(right, right)[0] == "no"
    assert examined(mostly(right, wrong, 10), mostly(right, wrong, 10))[0] == "no"


def test_it_is_quiet_on_a_student_that_learned_nothing() -> None:
    assert examined(wrong, wrong)[0] == "no"


def test_answers_that_failed_are_no_gap_and_hide_none() -> None:
    seen = shown(mostly(right, wrong, 2))
    pairs = MODE.pairs(seen)
    answers = [Answer(text=right(pair.learned)) for pair in pairs]
    few = MODE.examine(seen, pairs, [*[Answer(error="down")] * 3, *answers[3:]])
    assert (few.fires, few.estimates[0].n) == ("yes", MODE.rows - 3)
    assert "3 pairs with an answer that failed are left out" in few.words
    pairs[0].student["error"] = "down"
    many = MODE.examine(seen, pairs, [*answers[:30], *[Answer(error="down")] * 30])
    assert (many.fires, many.measured) == ("no", False)
    assert "31 of 60 pairs" in many.words


def test_a_gap_about_the_threshold_is_unsettled() -> None:
    assert examined(right, mostly(right, wrong, 4))[0] == "unsettled"


def test_what_the_teacher_gets_wrong_is_no_gap() -> None:
    seen = shown(wrong, other=wrong)
    pairs = MODE.pairs(seen)
    found = MODE.examine(seen, pairs, [Answer(text=pair.learned["completion"]) for pair in pairs])
    assert found.fires == "no"
    assert found.estimates[0].mean == 0


def test_few_rows_are_not_measured() -> None:
    assert examined(right, wrong, held=9) == (
        "no",
        False,
        "not measured: 80 learned rows and 9 held out make 9 pairs",
    )


def test_each_row_stands_in_one_pair_and_beside_one_of_its_slice() -> None:
    pairs = MODE.pairs(shown(right))
    assert len(pairs) == MODE.rows
    assert len({pair.learned["id"] for pair in pairs}) == len({pair.held["id"] for pair in pairs}) == len(pairs)
    assert sum(pair.learned["slice"] == pair.held["slice"] for pair in pairs) >= 0.9 * len(pairs)


def test_pairs_do_not_hang_on_the_order_of_rows() -> None:
    seen, turned = shown(right), shown(right)
    turned.trained = rows(80, "train")[::-1]
    turned.parts = {name: own[::-1] for name, own in turned.parts.items()}
    names = [[(pair.learned["id"], pair.held["id"]) for pair in MODE.pairs(each)] for each in (seen, turned)]
    assert names[0] == names[1]
