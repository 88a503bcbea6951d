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
from tasks.evidence import Comparison, Evidence, StageRecord
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
    return Evidence(
        project=project.name,
        version=entered.version,
        verdict=distilled.promote.verdict,
        on_stage=on_stage,
        reasons=distilled.promote.reasons,
        stages=[_record(name, result) for name, result in distilled._asdict().items() if name in MODULES],
        scores=distilled.evaluate.scores,
        usage=distilled.evaluate.usage,
        training=distilled.train.training,
        config=project.model_dump(mode="json"),
        versions={name: version(name) for name in _LIBRARIES},
        coverage=distilled.sample.coverage,
        dropped=list(examples(distilled.sample.unpicked, distilled.filter.dropped)),
        funnel=funnel(distilled.sample, distilled.teach, distilled.filter, distilled.split),
        people=distilled.filter.people,
        collapsed=distilled.filter.collapsed,
        comparisons=list(_comparisons(distilled.evaluate.answers, said)),
    )


def publish(evidence: Evidence) -> Path:
    """Write evidence and report into the run's folder, named by what it shows, and return the folder."""
    folder = runs_folder(evidence.project) / f"v{evidence.version}-{digest(evidence.model_dump())[:8]}"
    write_whole(folder / "evidence.json", evidence.model_dump_json(indent=1))
    write_whole(folder / "report.html", render(evidence))
    write_whole(folder.parent / "latest", folder.name)
    return folder


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
    """Write the report anew from the run's evidence, and return its path."""
    evidence = Evidence.model_validate_json((folder / "evidence.json").read_text(encoding="utf-8"))
    write_whole(folder / "report.html", render(evidence))
    return folder / "report.html"
