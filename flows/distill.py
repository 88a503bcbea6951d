"""distill: the pipeline, readable aloud."""

import logging
import time
from pathlib import Path
from typing import Annotated, ParamSpec, Protocol, TypeVar

from prefect import Task, flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.evidence.gathering import Distilled, gather, publish, record
from flows.evidence.stopped import explained
from flows.operation import approval
from flows.operation.artifacts import StagesTable, show_verdict
from flows.operation.ending import ended, run_name
from flows.operation.progress import ProgressArtifacts
from flows.operation.waiting import patiently
from flows.project import Project, check, load
from flows.versions.mlflow_registry import show
from tasks.artifacts import Result
from tasks.caching import results_folder, shared
from tasks.evaluate import evaluate
from tasks.evidence import StageRecord
from tasks.filter import filter
from tasks.gathered import gathered
from tasks.models import Budget
from tasks.promote import judged_by, promote, worn
from tasks.registry import Registry
from tasks.reviews import Reviews
from tasks.sample import sample
from tasks.split import held_before, split
from tasks.teach import teach
from tasks.train import train

Params = ParamSpec("Params")
Given = TypeVar("Given", bound=Result)

logger = logging.getLogger("stillhouse")


class Do(Protocol):
    """What is done with a stage and its arguments: run it, or look what it would do."""

    def __call__(self, stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
        """The stage's result."""
        ...


def pipeline(project: Project, do: Do, budget: Budget) -> Distilled:
    """The seven stages, in order."""
    sampled = do(sample, project.sample, gathered(project.name))
    taught = do(teach, project.teach, sampled.inputs, budget)
    filtered = do(filter, project.filter, taught.outputs, budget, Reviews().reviewed(project.name))
    parts = do(split, project.split, filtered.kept, held_before(project.name, project.split, filtered.kept))
    trained = do(train, project.train, parts.train, parts.validation, budget)
    rival = Registry().rival(project.name, trained.student)
    evaluated = do(
        evaluate,
        project.evaluate,
        project.teach,
        project.train.base_model(),
        trained.student,
        rival,
        parts.parts(),
        taught.outputs,
        budget,
    )
    by = judged_by(project.promote, project.evaluate, rival)
    decided = worn(project.name, project.promote, trained.student, parts.holdout, by)
    decision = do(promote, project.promote, evaluated.scores, evaluated.failure_modes, decided, evaluated.ceiling)
    return Distilled(sampled, taught, filtered, parts, trained, evaluated, decision, rival)


def run_stage(stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
    """Run a stage as a Prefect task, wait for what it waits for, and say in one line what it did."""
    return patiently(lambda: _run_once(stage, *args, **kwargs))


def _run_once(stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
    started = time.monotonic()
    with shared(stage, *args, **kwargs):
        state = stage(*args, **kwargs, return_state=True)
        result: Given = state.result()
    cached = state.name == "Cached"
    fields = {"finished": stage.name, "cached": cached, "seconds": time.monotonic() - started}
    logger.info("%s: %s%s", stage.name, result.words(), " (cached)" if cached else "", extra=fields)
    return result


# Prefect reads the docstring: its Args are what the UI's form says of each field.
@flow(name="distill", flow_run_name=run_name, result_storage=results_folder(), persist_result=False)
def distill(project: Path, budget_usd: Annotated[float | None, Field(ge=0)] = None) -> Path:
    """Distil the teacher of a project's YAML into a student; returns the run's folder, with evidence and report.

    Args:
        project: The project's YAML, as deployments/support.yaml.
        budget_usd: The most that this run may spend, in US dollars, beside what the project's own budget leaves.
    """

    def work() -> Path:
        loaded = load(project)
        check(loaded, budget_usd)
        return distil(loaded, budget_usd)

    return ended(project, work)


def distil(project: Project, budget_usd: float | None = None) -> Path:
    """Run the stages within a flow, and settle what becomes of the student."""
    finished: list[StageRecord] = []
    table = StagesTable(project.name)

    def do(stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
        result = run_stage(stage, *args, **kwargs)
        finished.append(record(stage.name, result))
        table.add(finished[-1])
        return result

    with explained(project.name, finished):
        with ProgressArtifacts():
            distilled = pipeline(project, do, project.budget(flow_run.get_id() or "run", budget_usd))
        return settle(project, distilled)


def settle(project: Project, distilled: Distilled) -> Path:
    """Enter the student in the registry, let a person approve it where that is asked for, and publish the evidence.

    Each step looks at what is there already, so a run that was killed between two is completed by the next one.
    """
    registry, student, verdict = Registry(), distilled.train.student, distilled.promote.verdict
    waits = project.promote.approval == "human" and approval.needed(project.name, student, verdict)
    by = judged_by(project.promote, project.evaluate, distilled.rival)
    registry.enter(project.name, student, distilled.rival, verdict, distilled.split.holdout, waits, by)
    entered = next(each for each in registry.history(project.name) if each.student == student)
    if waits:
        shown = gather(project, distilled, entered, on_stage=False)
        report = publish(shown) / "report.html"
        approval.wait(shown, student, report, project.promote.approval_timeout_seconds)
    on_stage = registry.champion(project.name) == student
    evidence = approval.with_approval(gather(project, distilled, entered, on_stage), student)
    folder = publish(evidence)
    show_verdict(evidence, folder)
    if project.publish:
        logger.info(show(project.name, project.publish.mlflow))
    return folder
