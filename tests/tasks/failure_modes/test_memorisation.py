from tasks.failure_modes.memorisation import Memorisation
from tasks.rows import Kept
from tests.tasks.failure_modes.students import Says, answer, mostly, reply, right, rows, shown, teacher

MODE = Memorisation()
LEARNED = rows(80, "train")


def parrot(row: Kept) -> str:
    """Says a training answer, whatever is asked."""
    return LEARNED[int(row["id"].rpartition("-")[2]) * 7 % 80]["completion"]


def test_it_fires_on_a_student_that_says_training_answers() -> None:
    found = MODE.examine(shown(parrot))
    assert found.fires == "yes"
    assert found.estimates[0].low > MODE.threshold
    assert len(found.examples) == 3


def test_short_answers_hide_none_of_it() -> None:
    def short_or(says: Says) -> Says:
        return lambda row: says(row) if int(row["id"].rpartition("-")[2]) % 8 == 0 else "Yes."

    found = MODE.examine(shown(short_or(parrot), other=short_or(teacher)))
    assert (found.fires, found.estimates[0].n) == ("yes", 15)


def test_it_is_quiet_on_words_of_its_own_and_on_the_teacher_s() -> None:
    assert MODE.examine(shown(right)).fires == "no"
    assert MODE.examine(shown(teacher)).fires == "no"


def test_a_parrot_beside_a_parrot_is_quiet() -> None:
    assert MODE.examine(shown(parrot, other=parrot)).fires == "no"


def test_some_of_it_is_unsettled() -> None:
    assert MODE.examine(shown(mostly(right, parrot, 8))).fires == "unsettled"


def test_what_many_training_answers_say_is_a_template() -> None:
    seen = shown(lambda row: answer("refund", TEMPLATE))
    for row in seen.trained:
        row["completion"] = answer("refund", TEMPLATE)
    assert MODE.examine(seen).fires == "no"


def test_what_the_row_itself_says_is_not_memorised() -> None:
    def back(row: Kept) -> str:
        return answer("refund", row["messages"][-1]["content"])

    seen = shown(back)
    seen.trained[0]["completion"] = " ".join(back(row) for row in seen.parts["holdout"])
    assert MODE.examine(seen).fires == "no"


def test_labels_are_not_measured() -> None:
    seen = shown(lambda row: row["slice"], other=lambda row: row["slice"])
    found = MODE.examine(seen)
    assert (found.fires, found.measured) == ("no", False)
    assert "0 of 120 answers" in found.words
    for row in seen.trained:
        row["completion"] = "refund"
    assert "no training answer has 12 words" in MODE.examine(seen).words


TEMPLATE = reply("template", 1)
