"""What a run would do, found without doing it: which stages are cached, and what the teacher would be asked."""

import contextlib
from typing import NamedTuple, ParamSpec, TypeVar

from prefect import Task

from flows.distill import pipeline
from flows.evidence import Distilled
from flows.project import Project
from tasks.artifacts import Result
from tasks.caching import finished
from tasks.models import Ledger, request_key
from tasks.sample import pick, read_inputs
from tasks.teach import requests

Params = ParamSpec("Params")
Given = TypeVar("Given", bound=Result)

STAGES = Distilled._fields


class Planned(NamedTuple):
    """A stage, whether its result is there already, and what is known of its work."""

    stage: str
    cached: bool
    words: str


class _WouldRun(Exception):
    """The first stage that is not cached: what comes after it cannot be looked up."""


def plan(project: Project) -> list[Planned]:
    """Each stage as a run would find it now."""
    known: list[Planned] = []

    def look(stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
        result = finished(stage, *args, **kwargs)
        if result is None:
            raise _WouldRun(stage.name)
        known.append(Planned(stage.name, True, result.tally.words()))
        return result

    with contextlib.suppress(_WouldRun):
        pipeline(project, look)
    waiting = STAGES[len(known) :]
    return known + [Planned(name, False, _work(project) if name == "teach" else "") for name in waiting]


def _work(project: Project) -> str:
    picked, _ = pick(read_inputs(project.sample), project.sample)
    asked = requests(picked, project.teach)
    identity = project.teach.model.identity()
    recorded = len(Ledger().find([request_key(identity, request) for request in asked]))
    cost = "costs nothing: it is recorded or runs here"
    return f"{len(asked) - recorded} of {len(asked)} requests to ask, the rest is in the ledger; {cost}"
