"""Every decision that a holdout made: a student judged again by other rules or against another rival is a new one."""

import sqlalchemy as sa

from tasks.registry import stage
from tasks.registry.records import Decision, Version, decision_of
from tasks.registry.tables import DECISIONS


def decisions(connection: sa.Connection, project: str) -> list[Decision]:
    """Every decision, the oldest first; of what an older registry recorded, one a version."""
    query = sa.select(DECISIONS).where(DECISIONS.c.project == project).order_by(DECISIONS.c.number)
    found = [decision_of(row) for row in connection.execute(query)]
    return found or [
        Decision(entry.student, entry.holdout, "") for entry in stage.history(connection, project) if entry.holdout
    ]


def decided(connection: sa.Connection, project: str, entry: Version, judged_by: str) -> None:
    """Record a decision, unless it is there already; before the first, those of an older registry."""
    known = decisions(connection, project)
    if entry.holdout is not None:
        for each in [*known, Decision(entry.student, entry.holdout, judged_by)]:
            values = {
                "project": project,
                "student": each.student.fingerprint,
                "holdout": each.holdout.fingerprint,
                "holdout_rows": each.holdout.rows,
                "judged_by": each.judged_by,
            }
            connection.execute(sa.insert(DECISIONS).prefix_with("OR IGNORE").values(values))
