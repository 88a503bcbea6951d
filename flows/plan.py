"""What a run would do, found without doing it: which stages are cached, and what the teacher would be asked."""

import contextlib
from collections.abc import Sequence
from typing import NamedTuple, ParamSpec, TypeVar

from prefect import Task

from flows.distill import pipeline
from flows.evidence import MODULES
from flows.project import Project, chosen
from tasks.artifacts import Result
from tasks.caching import finished
from tasks.judges import called
from tasks.models import AnyModel, Ledger, Question, Service, estimate, request_key
from tasks.models.prices import NANODOLLARS, dollars
from tasks.rules import Judged
from tasks.teach import questions

Params = ParamSpec("Params")
Given = TypeVar("Given", bound=Result)

STAGES = tuple(MODULES)


class Planned(NamedTuple):
    """A stage, whether its result is there already, and what is known of its work."""

    stage: str
    cached: bool
    words: str


class _WouldRun(Exception):
    """The first stage that is not cached: what comes after it cannot be looked up."""


def plan(project: Project) -> list[Planned]:
    """Each stage as a run would find it now."""
    known = [Planned(name, True, result.words()) for name, result in done(project).items()]
    waiting = STAGES[len(known) :]
    return known + [Planned(name, False, _work(project, name)) for name in waiting]


def done(project: Project) -> dict[str, Result]:
    """The results of the stages that a run would not do again, as far as the first that it would."""
    known: dict[str, Result] = {}

    def look(stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
        result = finished(stage, *args, **kwargs)
        if result is None:
            raise _WouldRun(stage.name)
        known[stage.name] = result
        return result

    with contextlib.suppress(_WouldRun):
        pipeline(project, look, project.budget("plan"))
    return known


def _work(project: Project, stage: str) -> str:
    if stage == "teach":
        asked = list(questions(chosen(project.sample), project.teach))
        words = [asks(teacher, asked) for teacher in project.teach.teachers]
        return "; ".join(words + ([] if project.budget_usd is None else [_spent(project.name, project.budget_usd)]))
    if stage == "filter":
        rubrics = [rule.rubric for rule in project.filter.rules if isinstance(rule, Judged)]
        return "; ".join(f"{called(rubric.model)} judges what the rules before it keep" for rubric in rubrics)
    if stage == "evaluate":
        paid = [each.model for each in project.train.asked() if isinstance(each, Service)]
        others = f"{', '.join(paid)} asked for every row held out" if paid else "the others run here: costs nothing"
        return f"the teacher's answers are those of teach; {others}"
    return ""


def _spent(name: str, budget_usd: float) -> str:
    return f"{dollars(Ledger().spent(name))} of budget_usd {dollars(round(budget_usd * NANODOLLARS))} spent"


def asks(teacher: AnyModel, asked: Sequence[Question]) -> str:
    """How much of it a teacher is still to be asked, and what that costs."""
    if isinstance(teacher, Service):
        return f"{teacher.model}: {estimate(teacher, asked, Ledger()).words()}"
    identity = teacher.identity()
    keys = {request_key(identity, question.request) for question in asked}
    to_ask = len(keys) - len(Ledger().known(list(keys)))
    return f"{to_ask} of {len(keys)} requests to ask, the rest is in the ledger; {teacher.provider}, so costs nothing"
