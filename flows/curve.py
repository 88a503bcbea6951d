"""The learning curve: students of shares of a run's training rows, on its own holdout. None is entered or promoted."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from prefect import flow
from prefect.runtime import flow_run

from flows.distill import run_stage
from flows.evidence.gathering import curve_file
from flows.evidence.runs import share, under_way
from flows.operation.progress import ProgressArtifacts
from flows.planning.plan import done
from flows.project import Project, check, load
from tasks.artifacts import Dataset, Made, digest
from tasks.caching import results_folder
from tasks.errors import ProjectError
from tasks.evaluate import Evaluated, evaluate
from tasks.evidence import ALL, LearnedShare
from tasks.learning_curve import HOLDOUT, STUDENT, learning_curve, read_shares, share_of
from tasks.processes import at_work
from tasks.registry import Registry
from tasks.rows import Kept, Scored
from tasks.split import SplitRows
from tasks.store import Store, write_whole
from tasks.teach import Taught
from tasks.train import Trained, train

VERSION = "1"


class _Run(NamedTuple):
    """What a finished run of the project gave."""

    taught: Taught
    parts: SplitRows
    trained: Trained


class _Student(NamedTuple):
    """What a share of the rows came to."""

    share: int
    trained: Trained
    evaluated: Evaluated


@flow(name="curve", flow_run_name="curve {project}", result_storage=results_folder(), persist_result=False)
def curve(project: Path, shares: str) -> Path:
    """Train on each share of the last run's training rows, as `25,50,100` percent; returns the file with the curve.

    Raises `ProjectError` where the run is not finished, or these are no shares.
    """
    loaded = load(project)
    check(loaded)
    wanted = read_shares(shares)
    run = _run(loaded, project)
    with at_work(under_way()), ProgressArtifacts():
        students = [_learned(loaded, run, share) for share in wanted]
    return _write(loaded, run, students)


def _run(project: Project, path: Path) -> _Run:
    results = done(project)
    if "train" not in results:
        raise ProjectError(f"{project.name}: its run is not finished as the project is now. stillhouse run {path}")
    return _Run(cast(Taught, results["teach"]), cast(SplitRows, results["split"]), cast(Trained, results["train"]))


def _learned(project: Project, run: _Run, share: int) -> _Student:
    """The run's own student where the share is the whole, which is neither trained nor evaluated again."""
    config = project.evaluate if share == 100 else project.evaluate.without_failure_modes()
    budget = project.budget(flow_run.get_id() or "curve")
    trained = run_stage(train, project.train, _rows(run.parts.train, share), run.parts.validation, budget)
    evaluated = run_stage(
        evaluate,
        config,
        project.teach,
        project.train.base_model(),
        trained.student,
        Registry().rival(project.name, run.trained.student),
        run.parts.parts(),
        run.taught.outputs,
        budget,
    )
    return _Student(share, trained, evaluated)


def _rows(whole: Dataset, share: int) -> Dataset:
    if share == 100:
        return whole
    made = Made(stage="curve", version=VERSION, config={"share": share}, parents={"train": whole.fingerprint})
    return Store().write_rows(share_of(list(Store().read_rows(whole)), share), Kept, made)


def _write(project: Project, run: _Run, students: Sequence[_Student]) -> Path:
    shares = [
        LearnedShare(
            share=each.share,
            rows=each.trained.training.rows,
            student=each.trained.student.fingerprint,
            estimates=[
                estimate
                for estimate in each.evaluated.scores.estimates
                if (estimate.system, estimate.part, estimate.slice) == (STUDENT, HOLDOUT, ALL)
            ],
        )
        for each in students
    ]
    own = run.trained.student.fingerprint
    judged = {"holdout": run.parts.holdout.fingerprint, "judging": digest(project.evaluate.model_dump(mode="json"))}
    drawn = learning_curve(own, shares, _answers(students[-2]), _answers(students[-1])).model_copy(update=judged)
    file = curve_file(project.name, own)
    write_whole(file, drawn.model_dump_json(indent=1))
    share(file)
    return file


def _answers(student: _Student) -> Iterator[Scored]:
    return Store().read_rows(student.evaluated.answers)
