"""Every held-out row with every system's answer and score, as a CSV."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flows.evidence.comparisons import held_out
from flows.evidence.funnel import spoken
from flows.evidence.runs import dataset
from flows.review.cells import cell, write_csv
from tasks.evidence import Evidence
from tasks.rows import Scored
from tasks.store import Store

_COLUMNS = ("id", "slice", "group", "part", "asked", "reference", "approved")


def write_answers(evidence: Evidence, path: Path) -> int:
    """Write the rows, each with its answers whole, and return how many there are.

    A score that was not judged is an empty cell. Raises `StoreError` where the answers are not in the store any more,
    `ProjectError` where the file cannot be written.
    """
    by_row: dict[str, dict[str, Scored]] = {}
    for row in Store().read_rows(dataset(evidence, "evaluate", "answers")):
        by_row.setdefault(row["id"], {})[row["system"]] = row
    rows = list(by_row.values())
    said = {
        row["id"]: spoken(row) for row in held_out(dataset(evidence, "split", part) for part in ("holdout", "unseen"))
    }
    systems = list(dict.fromkeys(system for own in rows for system in own))
    metrics = list(dict.fromkeys(metric for own in rows for row in own.values() for metric in row["scores"]))
    columns = [*_COLUMNS, *(name for system in systems for name in _names(system, metrics))]
    write_csv(path, [cell(name) for name in columns], (list(_cells(own, said, systems, metrics)) for own in rows))
    return len(rows)


def _names(system: str, metrics: Sequence[str]) -> Iterator[str]:
    yield system
    yield f"{system}: error"
    yield from (f"{system}: {metric}" for metric in metrics)


def _cells(
    own: dict[str, Scored], said: dict[str, str], systems: Sequence[str], metrics: Sequence[str]
) -> Iterator[str]:
    first = next(iter(own.values()))
    texts = (first["id"], first["slice"], first["group"], first["part"], said[first["id"]], first["reference"])
    yield from (cell(text) for text in texts)
    yield "yes" if first["approved"] else "no"
    for row in (own[system] for system in systems):
        yield cell(row["text"])
        yield cell(row["error"])
        yield from (f"{row['scores'][metric]:g}" if metric in row["scores"] else "" for metric in metrics)
