"""Reviews: what people decided on rows. Keyed by the row's conversation, so that they outlive every run and setting."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from tasks.artifacts import digest
from tasks.database import REGISTRY, Database, placed
from tasks.files import ByContent
from tasks.rows import Input

Decision = Literal["approve", "correct", "veto"]

_METADATA = sa.MetaData()
_SHOWN = sa.Table(
    "shown",
    _METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("row", sa.String(64), nullable=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("answer", sa.String, nullable=False),
    sa.Column("drawn", sa.Boolean, nullable=False),
    sa.Column("shown_at", sa.Float, nullable=False),
)
_REVIEWS = sa.Table(
    "reviews",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("project", sa.String, nullable=False, index=True),
    sa.Column("row", sa.String(64), nullable=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("answer", sa.String, nullable=False),
    sa.Column("note", sa.String, nullable=False),
    sa.Column("drawn", sa.Boolean, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("reviewed_at", sa.Float, nullable=False),
)


class Shown(NamedTuple):
    """A row and an answer to it that people were asked about, and whether the row was drawn at random."""

    row: str
    id: str
    answer: str
    drawn: bool

    @property
    def key(self) -> str:
        """What a sheet knows them by. A letter leads, so that no spreadsheet takes it for a number."""
        return f"row-{digest([self.row, self.answer])[:20]}"


class Review(NamedTuple):
    """What a person decided on a row. The answer is the one that was approved, written instead, or vetoed."""

    row: str
    id: str
    decision: Decision
    answer: str
    note: str
    drawn: bool


class Given(NamedTuple):
    """A review as it was given: by whom, and when."""

    review: Review
    who: str
    reviewed_at: float


class Reviewed(ByContent):
    """A project's reviews as they stood at a moment: what they say decides what is cached."""

    fingerprint: str = digest([])
    project: str = ""
    last: int = 0

    def by_row(self) -> dict[str, Review]:
        """The last review of each row, by the row's own key."""
        return Reviews().latest(self.project, self.last) if self.last else {}


class Reviews:
    """The record of every review, in the registry's database. It only grows: a later review of a row wins."""

    def __init__(self, where: Path | str | None = None) -> None:
        self._database = Database(where or placed(*REGISTRY), _METADATA, "Restore it from a copy.")

    def show(self, project: str, rows: Iterable[Shown]) -> None:
        """Remember what people are asked about, so that an approval is of what they saw, whoever teaches by then."""
        with self._database.begin() as connection:
            for row in rows:
                values = {"project": project, "key": row.key, "shown_at": time.time()} | row._asdict()
                connection.execute(self._database.insert(_SHOWN).values(values).on_conflict_do_nothing())

    def shown(self, project: str) -> dict[str, Shown]:
        """All that people were ever asked about, by its key in the sheets."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(_SHOWN).where(_SHOWN.c.project == project))
            return {row.key: Shown(row.row, row.id, row.answer, row.drawn) for row in found}

    def add(self, project: str, reviews: Iterable[Review], who: str) -> None:
        """Record reviews, all of them or none."""
        with self._database.begin() as connection:
            for review in reviews:
                values = {"project": project, "who": who, "reviewed_at": time.time()} | review._asdict()
                connection.execute(sa.insert(_REVIEWS).values(values))

    def latest(self, project: str, last: int | None = None) -> dict[str, Review]:
        """The last review of each row, by the row's own key; with `last`, as of that number."""
        query = sa.select(_REVIEWS).where(_REVIEWS.c.project == project).order_by(_REVIEWS.c.number)
        if last is not None:
            query = query.where(_REVIEWS.c.number <= last)
        with self._database.read() as connection:
            return {row.row: _review(row) for row in connection.execute(query)}

    def given(self, project: str) -> dict[str, list[Given]]:
        """All reviews of each row, the oldest first, by the row's own key."""
        query = sa.select(_REVIEWS).where(_REVIEWS.c.project == project).order_by(_REVIEWS.c.number)
        found: dict[str, list[Given]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.row, []).append(Given(_review(row), row.who, row.reviewed_at))
        return found

    def reviewed(self, project: str) -> Reviewed:
        """The project's reviews as they stand now."""
        with self._database.read() as connection:
            query = sa.select(sa.func.max(_REVIEWS.c.number)).where(_REVIEWS.c.project == project)
            last = connection.scalar(query) or 0
        reviews = self.latest(project, last)
        return Reviewed(fingerprint=digest([reviews[row] for row in sorted(reviews)]), project=project, last=last)


def row_key(row: Input) -> str:
    """What a row is known by whatever its id: a digest of who says what in its conversation, white space aside."""
    return digest([[turn["role"], turn["content"].split()] for turn in row["messages"]])


def _review(row: Any) -> Review:
    return Review(row.row, row.id, row.decision, row.answer, row.note, row.drawn)
