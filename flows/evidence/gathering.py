"""What a run leaves behind: its evidence and its report, in one folder of the store."""

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from flows.evidence.comparisons import comparisons
from flows.evidence.funnel import examples, funnel
from flows.evidence.runs import bring, made, read_evidence, runs_folder, share
from flows.project import Project
from tasks import evaluate, filter, promote, sample, split, teach, train
from tasks.artifacts import Handle, Result, Student, digest
from tasks.diagnosis import causes
from tasks.economics import Making, economics
from tasks.evidence import Economics, Evidence, LearningCurve, StageRecord, Stopped
from tasks.models import AnyModel, Ledger, Service
from tasks.models.jobs import Jobs
from tasks.registry import Registry, Version
from tasks.report import render, render_stopped
from tasks.store import write_whole
from tasks.trainers import load_student

_LIBRARIES = ("prefect", "torch", "transformers", "pyarrow")


class Distilled(NamedTuple):
    """What the stages gave, and whom the student was compared with."""

    sample: sample.Sampled
    teach: teach.Taught
    filter: filter.Filtered
    split: split.SplitRows
    train: train.Trained
    evaluate: evaluate.Evaluated
    promote: promote.Decision
    rival: Student | None


MODULES = {
    "sample": sample,
    "teach": teach,
    "filter": filter,
    "split": split,
    "train": train,
    "evaluate": evaluate,
    "promote": promote,
}
STAGES = tuple(MODULES)


def gather(project: Project, distilled: Distilled, entered: Version, on_stage: bool) -> Evidence:
    """All that the decision rests on, from the stages' results and the rows that they name."""
    rows = comparisons(distilled.evaluate.answers, distilled.split)
    gathered = Evidence(
        project=project.name,
        version=entered.version,
        verdict=distilled.promote.verdict,
        on_stage=on_stage,
        reasons=distilled.promote.reasons,
        stages=[record(name, result) for name, result in distilled._asdict().items() if name in MODULES],
        scores=distilled.evaluate.scores,
        usage=distilled.evaluate.usage,
        ceiling=distilled.evaluate.ceiling,
        prompts=distilled.evaluate.prompts,
        judging=distilled.evaluate.judging,
        failure_modes=distilled.evaluate.failure_modes,
        training=distilled.train.training,
        config=project.model_dump(mode="json"),
        versions={name: version(name) for name in _LIBRARIES},
        coverage=distilled.sample.coverage,
        dropped=list(examples(distilled.sample.unpicked, distilled.filter.dropped)),
        funnel=funnel(distilled.sample, distilled.teach, distilled.filter, distilled.split),
        people=distilled.filter.people,
        collapsed=distilled.filter.collapsed,
        comparisons=rows.shown,
        answered=rows.all,
        wear=distilled.promote.wear,
        economics=_economics(project, distilled),
    )
    return _diagnosed(gathered)


def publish(evidence: Evidence) -> Path:
    """Write evidence and report into the run's folder, named by what it shows, and return the folder.

    What was published stays as it is: the same evidence has the same page.
    """
    folder = runs_folder(evidence.project) / f"v{evidence.version}-{digest(evidence.model_dump())[:8]}"
    if not (folder / "report.html").is_file():
        write_whole(folder / "evidence.json", evidence.model_dump_json(indent=1))
        write_whole(folder / "report.html", render(evidence))
    write_whole(folder.parent / "latest", folder.name)
    share(folder / "evidence.json", folder / "report.html", folder.parent / "latest")
    shutil.rmtree(folder.parent / "stopped", ignore_errors=True)
    return folder


def publish_stopped(stopped: Stopped) -> Path:
    """Write the page of a run that ended in an error, which stays until a later run ends well; returns the folder."""
    folder = runs_folder(stopped.project) / "stopped"
    write_whole(folder / "stopped.json", stopped.model_dump_json(indent=1))
    write_whole(folder / "report.html", render_stopped(stopped))
    return folder


def curve_file(project: str, student: str) -> Path:
    """Where the learning curve of a run's student lies, beside the runs."""
    return runs_folder(project) / f"curve-{student[:12]}.json"


def _diagnosed(evidence: Evidence) -> Evidence:
    """The evidence with its student's learning curve, where one was drawn, and with why the student is not better."""
    evidence = evidence.model_copy(update={"learning_curve": _curve(evidence)})
    return evidence.model_copy(update={"causes": causes(evidence)})


def _curve(evidence: Evidence) -> LearningCurve | None:
    """The curve that was drawn of the student, where it was judged as the run judges it."""
    file = curve_file(evidence.project, made(evidence, "train", "student"))
    bring(evidence.project, file.name)
    if not file.is_file():
        return None
    curve = LearningCurve.model_validate_json(file.read_bytes())
    judged = made(evidence, "split", "holdout"), digest(evidence.config.get("evaluate"))
    return curve if (curve.holdout, curve.judging) == judged else None


def _today(evidence: Evidence) -> Evidence:
    """The evidence with who is on stage now, and what was drawn since."""
    champion = Registry().champion(evidence.project)
    on_stage = champion is not None and champion.fingerprint == made(evidence, "train", "student")
    return _diagnosed(evidence.model_copy(update={"on_stage": on_stage}))


def rebuild(folder: Path) -> Path:
    """Write a run's report anew: what the run left, the curve drawn since, who is on stage now; returns its path."""
    stopped = folder / "stopped.json"
    page = (
        render_stopped(Stopped.model_validate_json(stopped.read_bytes()))
        if stopped.is_file()
        else render(_today(read_evidence(folder)))
    )
    write_whole(folder / "report.html", page)
    return folder / "report.html"


def record(name: str, result: Result) -> StageRecord:
    """What a stage did, as the evidence keeps it."""
    handles = {field: getattr(result, field) for field in type(result).model_fields}
    return StageRecord(
        stage=name,
        version=MODULES[name].VERSION,
        rows_in=result.tally.rows_in,
        outcomes=result.tally.outcomes,
        seconds=result.seconds,
        made={field: handle.fingerprint for field, handle in handles.items() if isinstance(handle, Handle)},
    )


def _economics(project: Project, distilled: Distilled) -> Economics:
    ledger, teachers = Ledger(), project.teach.teachers
    requests = distilled.teach.tally.rows_in // len(teachers)
    making = Making(
        bought=ledger.costs(project.name),
        lost=ledger.lost(project.name),
        unbilled=requests * sum(not isinstance(teacher, Service) for teacher in teachers),
        training_seconds=distilled.train.training.seconds,
        trained=Jobs(ledger).cost(project.name),
    )
    return economics(project.economics, _models(project, distilled), distilled.evaluate.usage, making)


def _models(project: Project, distilled: Distilled) -> dict[str, AnyModel]:
    """Who answered in evaluation, by the system's name."""
    students = {"student": distilled.train.student, "champion": distilled.rival}
    asked = {system: load_student(each).model for system, each in students.items() if each}
    base = project.train.base_model()
    return {"teacher": project.teach.model} | ({"base": base} if base else {}) | asked
