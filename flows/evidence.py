"""What a run leaves behind: its evidence and its report, in one folder of the store."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from flows.funnel import examples, funnel, spoken
from flows.project import Project
from flows.runs import runs_folder
from tasks import evaluate, filter, promote, sample, split, teach, train
from tasks.artifacts import Dataset, Handle, Result, Student, digest
from tasks.diagnosis import causes
from tasks.economics import Making, economics
from tasks.evidence import Comparison, Economics, Evidence, LearningCurve, StageRecord
from tasks.models import Ledger, Service
from tasks.registry import Version
from tasks.report import render
from tasks.rows import Scored
from tasks.store import Store, write_whole

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


def gather(project: Project, distilled: Distilled, entered: Version, on_stage: bool) -> Evidence:
    """All that the decision rests on, from the stages' results and the rows that they name."""
    said = dict(_said(distilled.split))
    gathered = Evidence(
        project=project.name,
        version=entered.version,
        verdict=distilled.promote.verdict,
        on_stage=on_stage,
        reasons=distilled.promote.reasons,
        stages=[_record(name, result) for name, result in distilled._asdict().items() if name in MODULES],
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
        comparisons=list(_comparisons(distilled.evaluate.answers, said)),
        wear=distilled.promote.wear,
        economics=_economics(project, distilled),
    )
    return _diagnosed(gathered)


def publish(evidence: Evidence) -> Path:
    """Write evidence and report into the run's folder, named by what it shows, and return the folder."""
    folder = runs_folder(evidence.project) / f"v{evidence.version}-{digest(evidence.model_dump())[:8]}"
    write_whole(folder / "evidence.json", evidence.model_dump_json(indent=1))
    write_whole(folder / "report.html", render(evidence))
    write_whole(folder.parent / "latest", folder.name)
    return folder


def curve_file(project: str, student: str) -> Path:
    """Where the learning curve of a run's student lies, beside the runs."""
    return runs_folder(project) / f"curve-{student[:12]}.json"


def _diagnosed(evidence: Evidence) -> Evidence:
    """The evidence with its student's learning curve, where one was drawn, and with why the student is not better."""
    student = next(each.made["student"] for each in evidence.stages if each.stage == "train")
    file = curve_file(evidence.project, student)
    curve = LearningCurve.model_validate_json(file.read_bytes()) if file.is_file() else None
    evidence = evidence.model_copy(update={"learning_curve": curve})
    return evidence.model_copy(update={"causes": causes(evidence)})


def _record(name: str, result: Result) -> StageRecord:
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
    )
    return economics(project.economics, project.teach.model, distilled.evaluate.usage, making)


def _said(parts: split.SplitRows) -> Iterator[tuple[str, str]]:
    for dataset in (parts.holdout, parts.unseen):
        for row in Store().read_rows(dataset):
            yield row["id"], spoken(row)


def _comparisons(answers: Dataset, said: dict[str, str]) -> Iterator[Comparison]:
    """Rows in the order that helps most: those on which the student did worst against the teacher come first."""
    by_row: dict[str, list[Scored]] = {}
    for row in Store().read_rows(answers):
        by_row.setdefault(row["id"], []).append(row)

    def shortfall(rows: list[Scored]) -> tuple[float, str]:
        totals = {row["system"]: sum(row["scores"].values()) for row in rows}
        return totals["student"] - totals["teacher"], rows[0]["id"]

    for rows in sorted(by_row.values(), key=shortfall):
        first = rows[0]
        yield Comparison(
            id=first["id"],
            slice=first["slice"],
            part=first["part"],
            said=said[first["id"]],
            reference=first["reference"],
            approved=first["approved"],
            answers={row["system"]: row["text"] or row["error"] for row in rows},
            scores={row["system"]: row["scores"] for row in rows},
        )


def rebuild(folder: Path) -> Path:
    """Write the report anew from the run's evidence and the learning curve drawn since, and return its path."""
    evidence = Evidence.model_validate_json((folder / "evidence.json").read_text(encoding="utf-8"))
    write_whole(folder / "report.html", render(_diagnosed(evidence)))
    return folder / "report.html"
