"""Two versions of a project's student beside each other: verdicts, figures, and what differs in how they were made."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from pydantic import BaseModel

from flows.evidence.runs import dataset, evidence_of
from tasks.artifacts import digest
from tasks.evidence import ALL, Change, Difference, Estimate, Evidence, changes, settings
from tasks.registry import Registry, Version
from tasks.report import render_comparison
from tasks.rows import Kept, Scored
from tasks.statistics import Interval, difference_interval
from tasks.store import Store, write_whole


class Side(BaseModel, frozen=True, extra="forbid"):
    """A version: its verdict and when, whether it is on stage, its holdout and how many rows it learned."""

    version: int
    student: str
    entered_at: float
    verdict: str
    on_stage: bool
    holdout: str
    holdout_rows: int
    trained_rows: int


class Figures(BaseModel, frozen=True, extra="forbid"):
    """A metric of both students over a part or a slice of it, each on its own holdout; None where not measured.

    `difference` is the second less the first on the rows that both answered, None where there are none.
    """

    metric: str
    part: str
    slice: str
    first: Estimate | None
    second: Estimate | None
    difference: Difference | None


class Versions(BaseModel, frozen=True, extra="forbid"):
    """All that two versions differ in. `common` are the rows that both were judged on, word for word."""

    project: str
    first: Side
    second: Side
    common: int
    figures: list[Figures]
    changed: list[Change]


class Entry(NamedTuple):
    """A version with the evidence on it, its student's scored answers, and the rows that it was judged on by id."""

    side: Side
    evidence: Evidence
    answers: list[Scored]
    rows: dict[str, str]


def write_page(first: "Entry", second: "Entry", compared: Versions, page: Path) -> None:
    """Write the two side by side as one HTML document."""
    paired = [figures.difference for figures in compared.figures if figures.difference]
    write_whole(page, render_comparison(first.evidence, second.evidence, paired))


def judged(project: str, number: int) -> Entry:
    """What the store holds of a version. Raises `StoreError` where there is none, or its evidence is gone."""
    registry = Registry()
    entry = registry.version(project, number)
    evidence = evidence_of(project, entry)
    answers: list[Scored] = list(Store().read_rows(dataset(evidence, "evaluate", "answers")))
    rows = {row["id"]: _said(row) for part in ("holdout", "unseen") for row in _rows(evidence, part)}
    side = _side(entry, evidence, registry.champion(project) == entry.student)
    return Entry(side, evidence, [row for row in answers if row["system"] == "student"], rows)


def compare(first: Entry, second: Entry) -> Versions:
    """Both sides' figures and settings; a pure function of what the store holds of them."""
    common = {id for id, said in first.rows.items() if second.rows.get(id) == said}
    estimates = [_students(side.evidence) for side in (first, second)]
    differences = {(each.metric, each.part, each.slice): each for each in _differences(first, second, common)}
    return Versions(
        project=first.evidence.project,
        first=first.side,
        second=second.side,
        common=len(common),
        figures=[
            Figures(
                metric=key[0],
                part=key[1],
                slice=key[2],
                first=estimates[0].get(key),
                second=estimates[1].get(key),
                difference=differences.get(key),
            )
            for key in dict.fromkeys([*estimates[0], *estimates[1]])
        ],
        changed=list(changes(settings(first.evidence.config), settings(second.evidence.config))),
    )


def _students(evidence: Evidence) -> dict[tuple[str, str, str], Estimate]:
    return {
        (each.metric, each.part, each.slice): each for each in evidence.scores.estimates if each.system == "student"
    }


def _differences(first: Entry, second: Entry, common: set[str]) -> Iterator[Difference]:
    """The second student less the first, over the rows that both were judged on."""
    theirs = {row["id"]: row for row in second.answers if row["id"] in common}
    pairs = [(row, theirs[row["id"]]) for row in first.answers if row["id"] in theirs]
    measured = [{metric for pair in pairs for metric in pair[side]["scores"]} for side in (0, 1)]
    groups: dict[tuple[str, str, str], list[tuple[Scored, Scored]]] = {}
    for one, other in pairs:
        for metric in sorted(measured[0] & measured[1]):
            for name in dict.fromkeys([ALL, one["slice"]]):
                groups.setdefault((metric, one["part"], name), []).append((one, other))
    versions = {"system": f"version {second.side.version}", "versus": f"version {first.side.version}"}
    for (metric, part, name), own in groups.items():
        yield Difference(**versions, metric=metric, part=part, slice=name, **_measured(own, metric))


def _measured(pairs: list[tuple[Scored, Scored]], metric: str) -> dict[str, Any]:
    """The mean over rows that both have a verdict on; the interval holds whatever the missing ones would have been."""
    judged = [(one, other) for one, other in pairs if metric in one["scores"] and metric in other["scores"]]
    groups = [one["group"] for one, _ in pairs]

    def measured(missing_first: float, missing_second: float) -> Interval:
        first = [one["scores"].get(metric, missing_first) for one, _ in pairs]
        return difference_interval([other["scores"].get(metric, missing_second) for _, other in pairs], first, groups)

    worst, best = measured(1.0, 0.0), measured(0.0, 1.0)
    sums = [other["scores"][metric] - one["scores"][metric] for one, other in judged]
    mean = fmean(sums) if sums else 0.0
    return worst._asdict() | {"mean": mean, "high": best.high, "unjudged": len(pairs) - len(judged)}


def _side(entry: Version, evidence: Evidence, on_stage: bool) -> Side:
    holdout = entry.holdout or dataset(evidence, "split", "holdout")
    return Side(
        version=entry.version,
        student=entry.student.fingerprint,
        entered_at=entry.entered_at,
        verdict=entry.verdict,
        on_stage=on_stage,
        holdout=holdout.fingerprint,
        holdout_rows=holdout.rows,
        trained_rows=evidence.training.rows,
    )


def _rows(evidence: Evidence, part: str) -> Iterator[Kept]:
    yield from Store().read_rows(dataset(evidence, "split", part))


def _said(row: Kept) -> str:
    return digest([row["messages"], row["reference"]])
