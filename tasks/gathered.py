"""Gathered rows: traffic that was audited since a project's inputs were written, kept for its next student."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tasks.artifacts import digest
from tasks.database import REGISTRY, Database, placed
from tasks.files import Aside, ByContent
from tasks.reviews import row_key
from tasks.rows import Input

_METADATA = sa.MetaData()
_GATHERED = sa.Table(
    "gathered",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("row", sa.String(64), nullable=False),
    sa.Column("messages", sa.JSON, nullable=False),
    sa.Column("slice", sa.String, nullable=False),
    sa.Column("group", sa.String, nullable=False),
    sa.Column("gathered_at", sa.Float, nullable=False),
    sa.UniqueConstraint("project", "row"),
)


class Gathered(ByContent):
    """A project's gathered rows as they stood at a moment: what they say decides what is cached."""

    project: str
    last: int

    def rows(self) -> list[Input]:
        """The rows, in the order in which they came."""
        return Gathering().rows(self.project, self.last)


class NothingGathered(Aside):
    """No row was gathered: the stage is what it is without any, under the same cache key."""

    def rows(self) -> list[Input]:
        """None."""
        return []


NOTHING = NothingGathered()


def gathered(project: str) -> "Gathered | NothingGathered":
    """The project's gathered rows as they stand now; where there is no database yet, none is made to look."""
    where = placed(*REGISTRY)
    return NOTHING if isinstance(where, Path) and not where.exists() else Gathering().gathered(project)


class Gathering:
    """The record of gathered rows, in the registry's database: a conversation is in it once, until it is forgotten."""

    def __init__(self) -> None:
        self._database = Database(placed(*REGISTRY), _METADATA, "Restore it from a copy.")

    def add(self, project: str, rows: Iterable[Input]) -> int:
        """Keep rows, all of them or none; returns how many of them are new."""
        with self._database.begin() as connection:
            before = self._count(connection, project)
            for row in rows:
                values = {
                    "project": project,
                    "row": row_key(row),
                    "messages": row["messages"],
                    "slice": row["slice"],
                    "group": row["group"],
                    "gathered_at": time.time(),
                }
                connection.execute(self._database.insert(_GATHERED).values(values).on_conflict_do_nothing())
            return self._count(connection, project) - before

    def rows(self, project: str, last: int | None = None) -> list[Input]:
        """The rows in the order in which they came; with `last`, as of that number."""
        query = sa.select(_GATHERED).where(_GATHERED.c.project == project).order_by(_GATHERED.c.number)
        if last is not None:
            query = query.where(_GATHERED.c.number <= last)
        with self._database.read() as connection:
            return [_input(row) for row in connection.execute(query)]

    def forget(self, project: str, row: str | None = None) -> int:
        """Remove a project's rows, or the one of this id, for good; how many it were."""
        with self._database.begin() as connection:
            mine = list(connection.execute(sa.select(_GATHERED).where(_GATHERED.c.project == project)))
            gone = [each.number for each in mine if row in (None, _input(each)["id"])]
            for number in gone:
                connection.execute(sa.delete(_GATHERED).where(_GATHERED.c.number == number))
        return len(gone)

    def gathered(self, project: str) -> Gathered | NothingGathered:
        """The project's gathered rows as they stand now."""
        with self._database.read() as connection:
            query = sa.select(sa.func.max(_GATHERED.c.number)).where(_GATHERED.c.project == project)
            last = connection.scalar(query)
        if not last:
            return NOTHING
        return Gathered(fingerprint=digest(self.rows(project, last)), project=project, last=last)

    @staticmethod
    def _count(connection: sa.Connection, project: str) -> int:
        query = sa.select(sa.func.count()).select_from(_GATHERED).where(_GATHERED.c.project == project)
        return connection.scalar(query) or 0


def _input(row: Any) -> Input:
    """A row under an id that no other conversation has: logs number theirs anew each week."""
    id = f"traffic-{row.row[:16]}"
    return Input(id=id, messages=row.messages, slice=row.slice, group=row.group or id)
