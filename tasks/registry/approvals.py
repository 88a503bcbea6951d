"""Approvals: whether a student whose verdict is `promote` goes on stage, asked of people and answered once."""

import time
from pathlib import Path

import sqlalchemy as sa

from tasks.artifacts import Student
from tasks.database import REGISTRY, Database, placed
from tasks.errors import StoreError
from tasks.registry import stage
from tasks.registry.records import Approval, Decided, Version, approval_of
from tasks.registry.tables import APPROVALS, METADATA

_OTHER_EVIDENCE = "the student was judged again"


class Approvals:
    """Open questions and what was decided on them. Whoever decides first decides; the pointer moves with it."""

    def __init__(self, where: Path | str | None = None) -> None:
        self._database = Database(where or placed(*REGISTRY), METADATA, "Restore it from a copy.")

    def ask(self, project: str, student: Student, seconds: float) -> Approval:
        """Ask people to decide within so many seconds, and return where the question stands.

        What a person decided on the same evidence stands: the same rival and the same holdout. A question that nobody
        answered in time, or that other evidence superseded, is asked again.
        """
        with self._database.begin() as connection:
            known, entry = latest(connection, project, student), stage.version(connection, project, student)
            assert entry is not None, "a student is entered before it is asked about"
            if known is None or not known.about(entry) or known.decision in ("timed out", "superseded"):
                close(connection, project, student, "superseded", "", _OTHER_EVIDENCE)
                _insert(connection, project, entry, time.time() + seconds)
            elif known.decision is None:
                again = sa.update(APPROVALS).where(_open(project, student))
                connection.execute(again.values(until=time.time() + seconds))
            asked = latest(connection, project, student)
            assert asked is not None
            return asked

    def find(self, project: str, student: Student) -> Approval | None:
        """The last question about a student, or None where nobody was ever asked."""
        with self._database.read() as connection:
            return latest(connection, project, student)

    def open(self, project: str) -> list[Approval]:
        """The questions that wait for an answer, the oldest first."""
        query = sa.select(APPROVALS).where(APPROVALS.c.project == project, APPROVALS.c.decision.is_(None))
        with self._database.read() as connection:
            return [approval_of(row) for row in connection.execute(query.order_by(APPROVALS.c.number))]

    def decide(self, project: str, student: Student, decision: Decided, who: str, note: str = "") -> Approval:
        """Answer the open question about a student, and return what stands; approved, it goes on stage at once.

        Where somebody decided before, that stands. A student that beat a champion who has left the stage since does not
        go on. Raises `StoreError` where nobody asked, the time to answer is over, or what would be approved was judged
        otherwise since.
        """
        with self._database.begin() as connection:
            asked, entry = latest(connection, project, student), stage.version(connection, project, student)
            if asked is None or entry is None:
                raise StoreError(f"{project}: nobody asked about {student.fingerprint[:12]}. Run the project first.")
            if asked.decision is not None:
                return asked
            if decision != "timed out" and time.time() > asked.until:
                raise StoreError(
                    f"{project} version {entry.version}: the time to decide is over. Run the project again, which asks "
                    f"again, or use `stillhouse promote` with --reason."
                )
            if decision == "approved" and not asked.about(entry):
                raise StoreError(
                    f"{project} version {entry.version} was judged again since it was asked about, and its verdict is "
                    f"{entry.verdict}. Run the project again, which asks again where that is promote."
                )
            close(connection, project, student, decision, who, note)
            beaten = entry.rival.fingerprint if entry.rival else None
            if decision == "approved" and stage.champion(connection, project) == beaten:
                stage.move(connection, project, student, "approved", who, note)
            return asked._replace(decision=decision, who=who, note=note)


def latest(connection: sa.Connection, project: str, student: Student) -> Approval | None:
    """The last question about a student."""
    query = sa.select(APPROVALS).where(APPROVALS.c.project == project, APPROVALS.c.student == student.fingerprint)
    row = connection.execute(query.order_by(APPROVALS.c.number.desc()).limit(1)).first()
    return approval_of(row) if row else None


def supersede(connection: sa.Connection, project: str, entry: Version, waits: bool) -> None:
    """Close what is open about a student that was judged again, where it waits no more or the evidence is another."""
    asked = latest(connection, project, entry.student)
    if asked is not None and not (waits and asked.about(entry)):
        close(connection, project, entry.student, "superseded", "", _OTHER_EVIDENCE)


def close(
    connection: sa.Connection, project: str, student: Student, decision: Decided, who: str, note: str = ""
) -> None:
    """Answer what is open about a student."""
    values = {"decision": decision, "who": who, "note": note, "decided_at": time.time()}
    connection.execute(sa.update(APPROVALS).where(_open(project, student)).values(values))


def _open(project: str, student: Student) -> sa.ColumnElement[bool]:
    mine = APPROVALS.c.project == project, APPROVALS.c.student == student.fingerprint
    return sa.and_(*mine, APPROVALS.c.decision.is_(None))


def _insert(connection: sa.Connection, project: str, entry: Version, until: float) -> None:
    asked = {"project": project, "student": entry.student.fingerprint, "asked_at": time.time(), "until": until}
    evidence = {
        "rival": entry.rival.fingerprint if entry.rival else None,
        "holdout": entry.holdout.fingerprint if entry.holdout else None,
    }
    connection.execute(sa.insert(APPROVALS).values(asked | evidence))
