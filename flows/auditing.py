"""An audit: the teacher is asked what the student was asked, and both are judged by the project's own scorers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from flows.project import Project
from tasks.artifacts import Student
from tasks.errors import BudgetSpent, ModelUnavailable, NotRecorded, StageFailed, StoreError
from tasks.judging import judge
from tasks.models import CUT_OFF, REFUSED, Answer, Batched, Hand, Question, Service, request_key
from tasks.monitoring import Judged, Shadow, agreement, habits
from tasks.rows import Input, Kept, Scored
from tasks.systems import System, score, scored
from tasks.teach import questions
from tasks.trainers import load_student

STAGE = "monitor"
_HINDERS = (BudgetSpent, ModelUnavailable, NotRecorded, StageFailed, StoreError)


class Audited(NamedTuple):
    """The rows that both answered and that were judged, what became of each that was drawn, and what stopped asking."""

    judged: list[Judged]
    outcomes: Counter[str]
    hindered: list[str]


class _Answered(NamedTuple):
    """Answers by the rows' keys, and why there are no more."""

    answers: dict[str, Answer]
    hindered: list[str]


class _Pair(NamedTuple):
    """A row that both answered."""

    shadow: Shadow
    student: Answer
    teacher: Answer


def audit(
    project: Project, champion: Student, shadows: Sequence[Shadow], logged: Mapping[str, Answer], hand: Hand
) -> Audited:
    """Judge the student's answers to these rows against the teacher's; both are asked through the ledger.

    An answer that was logged is taken as it is; where none was, the student is asked. A row that one of
    them has no whole answer to is left out and counted. What keeps either from being asked is told, not raised.
    """
    asked = _ask_student(project, champion, [each for each in shadows if each.key not in logged], hand)
    students = {each.key: logged[each.key] for each in shadows if each.key in logged} | asked.answers
    answered = [each for each in shadows if each.key in students]
    teachers = _ask_teacher(project, answered, hand)
    outcomes = Counter({"without_answer": len(shadows) - len(answered)})
    pairs = list[_Pair]()
    for each in answered:
        teacher = teachers.answers.get(each.key)
        outcomes[_outcome(teacher)] += 1
        if teacher is not None and _outcome(teacher) == "audited":
            pairs.append(_Pair(each, students[each.key], teacher))
    marks, unjudged = _graded(project, pairs, hand)
    return Audited(_measured(project, pairs, marks), +outcomes, [*asked.hindered, *teachers.hindered, *unjudged])


def at_promotion(project: Project, answers: Iterable[Scored]) -> list[Judged]:
    """How far the student agreed with the teacher on the rows that it was promoted on, by the same measure."""
    by_row: dict[str, dict[str, Scored]] = {}
    for row in answers:
        by_row.setdefault(row["id"], {})[row["system"]] = row
    both = [(own["student"], own["teacher"]) for own in by_row.values() if own.keys() >= {"student", "teacher"}]
    pairs = [
        _Pair(Shadow(_said(student), student["id"], "all"), _answer(student), _answer(teacher))
        for student, teacher in both
        if _outcome(_answer(teacher)) == "audited"
    ]
    marks = {row["id"]: (row["scores"], teacher["scores"]) for row, teacher in both}
    return _measured(project, pairs, [marks[each.shadow.key] for each in pairs])


def watched_metrics(project: Project) -> list[str]:
    """The metrics that the project watches."""
    return project.monitor.metrics or project.evaluate.of_each_answer()


Marks = tuple[Mapping[str, float], Mapping[str, float]]
"""What judges gave the student's and the teacher's answer, by metric."""


def _ask_student(project: Project, champion: Student, shadows: Sequence[Shadow], hand: Hand) -> _Answered:
    if not shadows:
        return _Answered({}, [])
    try:
        system = System("student", *load_student(champion), project.evaluate.max_output_tokens)
    except StoreError as error:
        return _Answered({}, [f"the student cannot be asked for answers that were not logged: {error}"])
    asked = [Question(each.row["id"], system.request(each.row)) for each in shadows]
    return _ask(system.model, asked, shadows, hand, "the student")


def _ask_teacher(project: Project, shadows: Sequence[Shadow], hand: Hand) -> _Answered:
    """The first teacher's first answers, under the very keys that `teach` asks by, so that none is bought again."""
    every = [next(questions([each.row], project.teach)) for each in shadows]
    return _ask(project.teach.model, every, shadows, hand, "the teacher")


def _ask(
    model: Batched | Service, asked: Sequence[Question], shadows: Sequence[Shadow], hand: Hand, who: str
) -> _Answered:
    """What the ledger knows in the end, be it that asking stopped on the way, and what failed."""
    hindered, failed = list[str](), dict[str, Answer]()
    try:
        failed = hand.ask(model, asked, len(asked), f"{hand.stage} {who}").failed
    except _HINDERS as error:
        hindered = [f"{who} could not be asked about all rows: {error}"]
    keys = [request_key(model.identity(), each.request) for each in asked]
    known = failed | hand.ledger.find(keys)
    return _Answered({each.key: known[key] for each, key in zip(shadows, keys, strict=True) if key in known}, hindered)


def _outcome(teacher: Answer | None) -> str:
    """What becomes of a row by the teacher's answer: half an answer is nothing to be held to."""
    if teacher is None or teacher.error:
        return "not_taught"
    return "teacher_stopped" if teacher.finish_reason in CUT_OFF | REFUSED else "audited"


def _graded(project: Project, pairs: Sequence[_Pair], hand: Hand) -> tuple[list[Marks], list[str]]:
    """What the project's judges give both, and why they could not be asked."""
    rubrics = [each.model_copy(update={"again": 0}) for each in project.evaluate.rubrics()]
    wanted = [each for each in rubrics if set(each.metrics()) & set(watched_metrics(project))]
    none: list[Marks] = [({}, {}) for _ in pairs]
    if not wanted or not pairs:
        return none, []
    rows = [_kept(each) for each in pairs]
    both = [
        scored(system, row, "traffic", answer, {})
        for system, answers in (
            ("student", [each.student for each in pairs]),
            ("teacher", [each.teacher for each in pairs]),
        )
        for row, answer in zip(rows, answers, strict=True)
    ]
    try:
        marked = judge(wanted, hand, rows, both).scored
    except _HINDERS as error:
        return none, [f"the judges could not be asked: {error}"]
    own, theirs = marked[: len(rows)], marked[len(rows) :]
    return [(one["scores"], other["scores"]) for one, other in zip(own, theirs, strict=True)], []


def _measured(project: Project, pairs: Sequence[_Pair], marks: Sequence[Marks]) -> list[Judged]:
    """Each pair's agreement on what is watched, and how the student answered."""
    rows, scorers, metrics = [_kept(each) for each in pairs], project.evaluate.plain(), watched_metrics(project)
    own, theirs = (
        score(scorers, rows, answers)
        for answers in ([each.student for each in pairs], [each.teacher for each in pairs])
    )
    return [
        Judged(
            each.shadow.key,
            each.shadow.row["slice"],
            each.shadow.row["group"],
            each.shadow.drawn,
            _only(agreement({**one, **ours}, {**other, **others}), metrics),
            habits(each.student),
        )
        for each, ours, others, (one, other) in zip(pairs, own, theirs, marks, strict=True)
    ]


def _only(found: Mapping[str, float], metrics: Sequence[str]) -> dict[str, float]:
    return {metric: found[metric] for metric in metrics if metric in found}


def _kept(pair: _Pair) -> Kept:
    """The row as scorers and judges take it, held to the teacher's answer."""
    said = {"completion": pair.teacher.text, "reference": pair.teacher.text, "repaired": "", "doubt": ""}
    return Kept(**pair.shadow.row, **said, approved=False, reviewed=False)


def _said(row: Scored) -> Input:
    """A row of the evaluation as far as it is compared here."""
    return Input(id=row["id"], messages=[], slice=row["slice"], group=row["group"])


def _answer(row: Scored) -> Answer:
    told = ("text", "error", "finish_reason", "input_tokens", "output_tokens", "seconds")
    return Answer.model_validate({name: row[name] for name in told})
