"""What a run would do, found without doing it: which stages are cached, and what teacher and judges would be asked."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, ParamSpec, TypeVar

from prefect import Task

from flows.distill import pipeline
from flows.evidence.gathering import STAGES
from flows.planning import evaluating
from flows.planning.estimates import asks, costs
from flows.project import Project, chosen
from tasks.artifacts import Result
from tasks.caching import finished
from tasks.filter import passed, read_gold
from tasks.judges import called
from tasks.models import Answer, Ledger
from tasks.models.prices import NANODOLLARS, dollars
from tasks.people import reviews_by_id
from tasks.reviews import Reviews
from tasks.rows import Output
from tasks.rules import Candidate, Judged, Ready
from tasks.split import SplitRows
from tasks.store import Store
from tasks.teach import Taught, names, outputs, questions
from tasks.trainers import HostedTrainer, estimated

Params = ParamSpec("Params")
Given = TypeVar("Given", bound=Result)

_SUPPOSED_TOKENS = 300


class Planned(NamedTuple):
    """A stage, whether its result is there already, and what is known of its work."""

    stage: str
    cached: bool
    words: str


class _WouldRun(Exception):
    """The first stage that is not cached: what comes after it cannot be looked up."""


def plan(project: Project) -> list[Planned]:
    """Each stage as a run would find it now."""
    results = done(project)
    known = [Planned(name, True, result.words()) for name, result in results.items()]
    return known + [Planned(name, False, _work(project, name, results)) for name in STAGES[len(known) :]]


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


def _work(project: Project, stage: str, results: Mapping[str, Result]) -> str:
    if stage == "teach":
        asked = list(questions(chosen(project), project.teach))
        words = [asks(teacher, asked) for teacher in project.teach.teachers]
        return "; ".join(words + ([] if project.budget_usd is None else [_spent(project.name, project.budget_usd)]))
    if stage == "filter":
        return "; ".join(_judging(project, results.get("teach")))
    if stage == "train" and isinstance(project.train, HostedTrainer):
        parts = results.get("split")
        if not isinstance(parts, SplitRows):
            return f"{project.train.name} trains {project.train.base}: what that costs is known once the rows are split"
        given = project.train.sent(*(list(Store().read_rows(part)) for part in (parts.train, parts.validation)))
        return estimated(project.train, given)
    if stage == "evaluate":
        parts = results.get("split")
        known = parts if isinstance(parts, SplitRows) else None
        return "; ".join(["the teacher's answers are those of teach", *evaluating.asked(project, known)])
    return ""


def _judging(project: Project, taught: Result | None) -> Iterator[str]:
    """What each judge of the filter would be asked about the teacher's answers, or, while there are none, the like."""
    rules = project.filter.rules
    for at, rule in enumerate(rules):
        if isinstance(rule, Judged):
            supposed = ""
            if isinstance(taught, Taught):
                candidates = _left(project, taught, [each for each in rules[:at] if not isinstance(each, Judged)])
            else:
                candidates = list(_supposed(project))
                supposed = f", supposing that all answers are kept and {_words(project)} tokens long"
            cost = costs(rule.rubric.model, rule.questions(candidates))
            yield f"{called(rule.rubric.model)} judges what the rules before it keep: {cost}{supposed}"


def _left(project: Project, taught: Taught, rules: Sequence[Ready]) -> list[Candidate]:
    """The teacher's answers that these rules keep."""
    rows: list[Output] = list(Store().read_rows(taught.outputs))
    reviews = reviews_by_id(rows, Reviews().latest(project.name))
    return passed(rows, rules, read_gold(project.filter), reviews)[0]


def _supposed(project: Project) -> Iterator[Candidate]:
    """An answer from each teacher, as often as it is asked, to each row that has no approved one."""
    gold, said = read_gold(project.filter), " word" * _words(project)
    rows = [row for row in chosen(project) if row["id"] not in gold]
    for name in names(project.teach.teachers):
        answers = (Answer(text=f"{name} {at}{said}") for at in range(len(rows) * project.teach.samples))
        for output in outputs(rows, name, answers, project.teach.samples):
            yield Candidate(output, output["text"], approved=False)


def _words(project: Project) -> int:
    return min(_SUPPOSED_TOKENS, project.teach.max_output_tokens)


def _spent(name: str, budget_usd: float) -> str:
    return f"{dollars(Ledger().spent(name))} of budget_usd {dollars(round(budget_usd * NANODOLLARS))} spent"
