from tasks.ceiling import ceiling
from tasks.evidence import ALL, Estimate
from tasks.models import Answer
from tasks.rows import Kept, Output, Scored
from tasks.scorers import Fields
from tasks.systems import score
from tasks.systems import scored as as_scored
from tests.tasks.toys import a_kept, an_output

INTENT = Fields(scorer="fields", name="intent", fields=["intent"])
RIGHT, WRONG = '{"intent": "order_status"}', '{"intent": "abuse"}'


def answered(row: Kept, text: str, system: str = "teacher") -> Scored:
    answer = Answer(text=text)
    [found] = score([INTENT], [row], [answer])
    return as_scored(system, row, "holdout", answer, found)


def overall(estimates: list[Estimate], part: str) -> list[Estimate]:
    return [each for each in estimates if each.part == part and each.slice == ALL]


def test_the_teacher_is_held_to_approved_answers_and_to_no_others() -> None:
    approved, other = a_kept("a", approved=True), a_kept("b")
    scored = [answered(approved, WRONG), answered(other, RIGHT), answered(approved, RIGHT, "student")]
    [found] = overall(ceiling(scored, [], [approved, other], [INTENT]), "approved")
    assert (found.system, found.mean, found.n) == ("teacher", 0.0, 1)


def test_further_samples_are_held_to_the_first() -> None:
    outputs = [an_output("a", text, sample=number) for number, text in enumerate([WRONG, WRONG, RIGHT])]
    [found] = overall(ceiling([], reversed(outputs), [a_kept("a")], [INTENT]), "again")
    assert (found.mean, found.n, found.groups) == (0.5, 2, 1)


def test_rows_that_trained_samples_that_failed_and_single_answers_say_nothing() -> None:
    outputs: list[Output] = [
        an_output("trained", WRONG),
        an_output("trained", RIGHT, sample=1),
        an_output("a", RIGHT),
        an_output("a", "", sample=1, error="timed out"),
        an_output("b", RIGHT),
    ]
    assert ceiling([], outputs, [a_kept("a"), a_kept("b")], [INTENT]) == []


def test_each_teacher_is_held_to_itself() -> None:
    outputs = [an_output("a", WRONG, teacher="one"), an_output("a", RIGHT, teacher="two")]
    assert ceiling([], outputs, [a_kept("a")], [INTENT]) == []
