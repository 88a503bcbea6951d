"""Lineage: what a student was made from, stage by stage, down to every training row and the answer it taught."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel

from tasks.artifacts import Dataset, Handle, Student
from tasks.errors import StoreError
from tasks.models import Ledger
from tasks.reviews import Given, Reviews, row_key
from tasks.rows import Kept
from tasks.store import Manifest, Store

Part = Literal["train", "validation"]

_AT_ONCE = 500
_ANEW = "Its manifest is from before lineage was recorded. Train it again in a fresh store; the ledger pays for it."


class Node(BaseModel, frozen=True, extra="forbid"):
    """An artefact, or a file of the user's, by content: what it is to what was made from it, and what it was made from.

    A file has neither stage nor rows; `seen` says that its own parents stand further up.
    """

    name: str
    fingerprint: str
    stage: str = ""
    version: str = ""
    rows: int | None = None
    seen: bool = False
    parents: list["Node"] = []

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as a person reads it."""
        made = f", by {self.stage} (version {self.version})" if self.stage else ""
        rows = f", {self.rows} rows" if self.rows is not None else ""
        above = ", made as above" if self.seen else ""
        yield f"{'  ' * depth}{self.name} {self.fingerprint[:12]}{rows}{made}{above}"
        for parent in self.parents:
            yield from parent.lines(depth + 1)


class TrainingRow(BaseModel, frozen=True, extra="forbid"):
    """A row that a student was given to learn, and where its answer came from.

    Where a person's answer won, `review` or `gold` says whose; the teacher's own, which it replaced, is not named.
    """

    id: str
    part: Part
    slice: str
    answer_from: Literal["teacher", "gold", "review"]
    completion: str
    repaired: str = ""
    teacher: str = ""
    sample: int = 0
    request_key: str = ""
    model: str = ""
    in_ledger: bool = False
    gold: str = ""
    reviewer: str = ""
    decision: str = ""
    note: str = ""
    reviewed_at: float | None = None


class _Answer(NamedTuple):
    teacher: str
    sample: int
    key: str
    model: str
    in_ledger: bool


def lineage(student: Student) -> Node:
    """The tree of what a student was made from. Raises `StoreError` where the store lacks the student's manifest."""
    return _node("student", Store().manifest(student), set())


def _node(name: str, manifest: Manifest, seen: set[str]) -> Node:
    made, fingerprint = manifest.made, str(manifest.handle["fingerprint"])
    known = fingerprint in seen
    seen.add(fingerprint)
    return Node(
        name=name,
        fingerprint=fingerprint,
        stage=made.stage,
        version=made.version,
        rows=manifest.handle.get("rows"),
        seen=known,
        parents=[] if known else [_parent(parent, found, seen) for parent, found in made.parents.items()],
    )


def _parent(name: str, fingerprint: str, seen: set[str]) -> Node:
    handle = Dataset(fingerprint=fingerprint, rows=0)
    if not Store().folder(handle).exists():
        return Node(name=name, fingerprint=fingerprint)
    return _node(name, Store().manifest(handle), seen)


def training_rows(project: str, student: Student) -> Iterator[TrainingRow]:
    """Every row that the student was given, in their order. Raises `StoreError` where something of it is gone."""
    parts = _parents(student)
    train, validation = _dataset(parts, "train"), _dataset(parts, "validation")
    kept = _dataset(_parents(train), "kept")
    filtered = _parents(kept)
    answers = _kept_answers(_dataset(filtered, "outputs"), _dataset(filtered, "dropped"))
    given = Reviews().given(project)
    parts_given: list[tuple[Part, Dataset]] = [("train", train), ("validation", validation)]
    for part, dataset in parts_given:
        for row in Store().read_rows(dataset):
            yield _training_row(part, row, answers, filtered.get("gold", ""), given.get(row_key(row), []))


def _training_row(
    part: Part, row: Kept, answers: Mapping[str, _Answer], gold: str, reviews: list[Given]
) -> TrainingRow:
    said: dict[str, Any] = {"id": row["id"], "part": part, "slice": row["slice"], "completion": row["completion"]}
    if row["approved"]:
        won = [each for each in reviews if each.review.decision != "veto" and each.review.answer == row["completion"]]
        if not won and not row["reviewed"]:
            return TrainingRow(**said, answer_from="gold", gold=gold)
        return TrainingRow(**said, answer_from="review", **(_reviewed(won[-1]) if won else {}))
    answer = answers[row["id"]]
    return TrainingRow(
        **said,
        answer_from="teacher",
        repaired=row["repaired"],
        teacher=answer.teacher,
        sample=answer.sample,
        request_key=answer.key,
        model=answer.model,
        in_ledger=answer.in_ledger,
    )


def _reviewed(given: Given) -> dict[str, Any]:
    review = given.review
    return {
        "reviewer": given.who,
        "decision": review.decision,
        "note": review.note,
        "reviewed_at": given.reviewed_at,
    }


def _kept_answers(outputs: Dataset, dropped: Dataset) -> dict[str, _Answer]:
    """The answer of each row that the filter kept: the one of its outputs that was not dropped."""
    gone = {
        (row["id"], row["teacher"], row["sample"]) for row in Store().read_rows(dropped, ["id", "teacher", "sample"])
    }
    keys = _dataset(_parents(outputs), "answers")
    rows = [row for row in Store().read_rows(keys) if (row["id"], row["teacher"], row["sample"]) not in gone]
    models = _models([row["key"] for row in rows])
    return {
        row["id"]: _Answer(row["teacher"], row["sample"], row["key"], models.get(row["key"], ""), row["key"] in models)
        for row in rows
    }


def _models(keys: list[str]) -> dict[str, str]:
    """Who gave each answer that the ledger knows, as the provider named it."""
    ledger, found = Ledger(), dict[str, str]()
    for start in range(0, len(keys), _AT_ONCE):
        found |= {key: answer.model for key, answer in ledger.find(keys[start : start + _AT_ONCE]).items()}
    return found


def _parents(handle: Handle) -> dict[str, str]:
    return Store().manifest(handle).made.parents


def _dataset(parents: Mapping[str, str], name: str) -> Dataset:
    """A parent as a handle with its rows."""
    if name not in parents:
        raise StoreError(f"lineage: nothing says which {name} it was made from. {_ANEW}")
    manifest = Store().manifest(Dataset(fingerprint=parents[name], rows=0))
    return Dataset.model_validate(manifest.handle)
