"""The rows that the evidence shows with every system's answer: those where the student did worst, and some drawn."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from flows.evidence.funnel import excerpt, spoken
from tasks.artifacts import Dataset, digest
from tasks.evidence import Answered, Comparison
from tasks.rows import Kept, Scored
from tasks.split import SplitRows
from tasks.store import Store

WORST, DRAWN = 200, 40


class Comparisons(NamedTuple):
    """The rows shown, the worst first and those drawn last, and what all the rows come to."""

    shown: list[Comparison]
    all: list[Answered]


class _Row(NamedTuple):
    behind: float
    id: str
    part: str
    approved: bool


def comparisons(answers: Dataset, parts: SplitRows) -> Comparisons:
    """Rows in the order that helps most: those on which the student did worst against the teacher come first."""
    rows = sorted(_rows(answers))
    drawn = {row.id for row in sorted(rows[WORST:], key=lambda row: digest(["comparison", row.id]))[:DRAWN]}
    chosen = [row.id for place, row in enumerate(rows) if place < WORST or row.id in drawn]
    return Comparisons(list(_comparisons(chosen, drawn, answers, parts)), list(_answered(rows)))


def held_out(parts: Iterable[Dataset]) -> Iterator[Kept]:
    """Every row that was held out."""
    for part in parts:
        yield from Store().read_rows(part)


def _rows(answers: Dataset) -> Iterator[_Row]:
    """How far the student is behind the teacher on every row, over what was judged of both."""
    marks: dict[str, dict[str, Scored]] = {}
    for row in Store().read_rows(answers, ["id", "part", "system", "approved", "scores"]):
        if row["system"] in ("teacher", "student"):
            marks.setdefault(row["id"], {})[row["system"]] = row
    for name, own in marks.items():
        student, teacher = own["student"]["scores"], own["teacher"]["scores"]
        behind = sum(student[metric] - teacher[metric] for metric in student if metric in teacher)
        yield _Row(behind, name, own["student"]["part"], own["student"]["approved"])


def _answered(rows: Iterable[_Row]) -> Iterator[Answered]:
    counts = {part: Counter[str]() for part in dict.fromkeys(sorted(row.part for row in rows))}
    for row in rows:
        counts[row.part].update(rows=1, approved=row.approved, worse=row.behind < 0)
    for part, own in counts.items():
        yield Answered(part=part, rows=own["rows"], approved=own["approved"], worse=own["worse"])


def _comparisons(chosen: list[str], drawn: set[str], answers: Dataset, parts: SplitRows) -> Iterator[Comparison]:
    wanted = set(chosen)
    said = {row["id"]: spoken(row) for row in held_out((parts.holdout, parts.unseen)) if row["id"] in wanted}
    by_row: dict[str, list[Scored]] = {}
    for row in Store().read_rows(answers):
        if row["id"] in wanted:
            by_row.setdefault(row["id"], []).append(row)
    for name in chosen:
        first, rows = by_row[name][0], by_row[name]
        yield Comparison(
            id=name,
            slice=first["slice"],
            part=first["part"],
            said=excerpt(said[name]),
            reference=excerpt(first["reference"]),
            approved=first["approved"],
            answers={row["system"]: excerpt(row["text"] or row["error"]) for row in rows},
            scores={row["system"]: row["scores"] for row in rows},
            drawn=name in drawn,
        )
