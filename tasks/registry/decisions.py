"""Every decision that a holdout made: a student judged again by other rules or against another rival is a new one."""

import sqlalchemy as sa

from tasks.registry import stage
from tasks.registry.records import Decision, Version, decision_of
from tasks.registry.tables import DECISIONS


def decisions(connection: sa.Connection, project: str) -> list[Decision]:
    """Every decision, the oldest first; of what an older registry recorded, one a version."""
    return _recorded(connection, project) or [
        Decision(entry.student, entry.holdout, "") for entry in stage.history(connection, project) if entry.holdout
    ]


def _recorded(connection: sa.Connection, project: str) -> list[Decision]:
    query = sa.select(DECISIONS).where(DECISIONS.c.project == project).order_by(DECISIONS.c.number)
    return [decision_of(row) for row in connection.execute(query)]


def decided(connection: sa.Connection, project: str, entry: Version, judged_by: str) -> None:
    """Record a decision, unless it is there already; before the first, those of an older registry."""
    recorded, known = _recorded(connection, project), decisions(connection, project)
    if entry.holdout is not None:
        made = [*known, Decision(entry.student, entry.holdout, judged_by)]
        for each in dict.fromkeys(decision for decision in made if decision not in recorded):
            values = {
                "project": project,
                "student": each.student.fingerprint,
                "holdout": each.holdout.fingerprint,
                "holdout_rows": each.holdout.rows,
                "judged_by": each.judged_by,
            }
            connection.execute(sa.insert(DECISIONS).values(values))
