"""What the audits of promoted students found, kept for ever: each audit with its rows, none of them audited twice."""

from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from tasks.artifacts import Student
from tasks.database import REGISTRY, Database, placed
from tasks.evidence import Moved

Drawn = Literal["all", "slice"]

_METADATA = sa.MetaData()
_AUDITS = sa.Table(
    "audits",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("project", sa.String, nullable=False),
    sa.Column("student", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("spent", sa.Float, nullable=False),
    sa.Column("slices", sa.JSON, nullable=False),
    sa.Column("moved", sa.JSON, nullable=False),
    sa.Column("log", sa.String(64), nullable=False, server_default=""),
    sa.Column("log_rows", sa.Integer, nullable=False, server_default="0"),
    sa.Index("audits_of_a_student", "project", "student"),
)
_ROWS = sa.Table(
    "audited",
    _METADATA,
    sa.Column("project", sa.String, primary_key=True),
    sa.Column("student", sa.String(64), primary_key=True),
    sa.Column("row", sa.String(64), primary_key=True),
    sa.Column("audit", sa.Integer, nullable=False),
    sa.Column("slice", sa.String, nullable=False),
    sa.Column("group", sa.String, nullable=False),
    sa.Column("drawn", sa.String, nullable=False),
    sa.Column("agreement", sa.JSON, nullable=False),
    sa.Column("habits", sa.JSON, nullable=False),
)


class Judged(NamedTuple):
    """A row that student and teacher both answered: how far the student agrees, by metric, and how it answers.

    `row` is known by its conversation. It was `drawn` from all rows of the traffic, or from its slice's alone.
    """

    row: str
    slice: str
    group: str
    drawn: Drawn
    agreement: dict[str, float]
    habits: dict[str, float]


class Log(NamedTuple):
    """A log as far as it was read: how many rows, and the fingerprint of what they say, in their order."""

    rows: int = 0
    fingerprint: str = ""


class Audit(NamedTuple):
    """One look: when, the share of a year's error that it may spend, the traffic by slice, the rows judged, the log."""

    at: float
    spent: float
    slices: dict[str, int]
    moved: list[Moved]
    rows: list[Judged]
    log: Log = Log()


class Audits:
    """The record of every audit, in the registry's database: by project, and by student, so that one that comes back on
    stage goes on from its own."""

    def __init__(self) -> None:
        self._database = Database(placed(*REGISTRY), _METADATA, "Restore it from a copy.")

    def add(self, project: str, student: Student, audit: Audit) -> None:
        """Record an audit, whole or not at all; a row that is recorded of the student already stays as it was.

        The rows of a log that has an audit are a part of that one: whoever was stopped in its midst goes on with it.
        """
        about = {"project": project, "student": student.fingerprint}
        moved = [each.model_dump(mode="json") for each in audit.moved]
        log = {"log": audit.log.fingerprint, "log_rows": audit.log.rows}
        values = about | log | {"at": audit.at, "spent": audit.spent, "slices": audit.slices, "moved": moved}
        same = sa.and_(_AUDITS.c.log == audit.log.fingerprint, _AUDITS.c.log_rows == audit.log.rows)
        with self._database.begin() as connection:
            number = connection.scalar(_of(_AUDITS, project, student).where(same).with_only_columns(_AUDITS.c.number))
            if number is None:
                key = connection.execute(sa.insert(_AUDITS).values(values)).inserted_primary_key
                number = key[0] if key else 0
            for row in audit.rows:
                entry = about | row._asdict() | {"audit": number}
                connection.execute(self._database.insert(_ROWS).values(entry).on_conflict_do_nothing())

    def of(self, project: str, student: Student) -> list[Audit]:
        """A student's audits, the oldest first."""
        mine = [(_AUDITS, _AUDITS.c.number), (_ROWS, _ROWS.c.audit)]
        with self._database.read() as connection:
            audits, rows = (
                list(connection.execute(_of(table, project, student).order_by(order))) for table, order in mine
            )
        by_audit: dict[int, list[Judged]] = {}
        for row in rows:
            judged = Judged(row.row, row.slice, row.group, row.drawn, row.agreement, row.habits)
            by_audit.setdefault(row.audit, []).append(judged)
        return [_audit(each, by_audit.get(each.number, [])) for each in audits]


def _of(table: sa.Table, project: str, student: Student) -> sa.Select[Any]:
    return sa.select(table).where(table.c.project == project, table.c.student == student.fingerprint)


def _audit(row: Any, judged: list[Judged]) -> Audit:
    moved = [Moved.model_validate(each) for each in row.moved]
    return Audit(row.at, row.spent, row.slices, moved, judged, Log(row.log_rows, row.log))
