"""Who is on stage, read and moved within a transaction of the registry's database."""

import time

import sqlalchemy as sa

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.registry.records import Move, Version, Why, move_of, version_of
from tasks.registry.tables import MOVES, VERSIONS
from tasks.store import Store


def champion(connection: sa.Connection, project: str) -> str | None:
    """The fingerprint of the student on stage: the project's last move is the pointer."""
    query = sa.select(MOVES.c.champion).where(MOVES.c.project == project).order_by(MOVES.c.number.desc()).limit(1)
    return connection.scalar(query)


def moves(connection: sa.Connection, project: str) -> list[Move]:
    """Every change of champion, the oldest first."""
    query = sa.select(MOVES).where(MOVES.c.project == project).order_by(MOVES.c.number)
    return [move_of(row) for row in connection.execute(query)]


def promotion(connection: sa.Connection, project: str, student: Student) -> Move | None:
    """The move that first put a student on stage, which is the one that it was judged for."""
    query = sa.select(MOVES).where(
        MOVES.c.project == project, MOVES.c.champion == student.fingerprint, MOVES.c.why != "rolled back"
    )
    row = connection.execute(query.order_by(MOVES.c.number).limit(1)).first()
    return move_of(row) if row else None


def stack(connection: sa.Connection, project: str) -> list[Student]:
    """The champions that a rollback can return to, the latest last, the one on stage at the end.

    A promotion is put on top; a rollback takes off what lies above whom it returns to.
    """
    champions: list[Student] = []
    for move in moves(connection, project):
        if move.champion is not None and move.why != "rolled back":
            champions.append(move.champion)
        else:
            while champions and champions[-1] != move.champion:
                champions.pop()
    return champions


def history(connection: sa.Connection, project: str) -> list[Version]:
    """Every version, the oldest first."""
    query = sa.select(VERSIONS).where(VERSIONS.c.project == project).order_by(VERSIONS.c.version)
    return [version_of(row) for row in connection.execute(query)]


def numbered(connection: sa.Connection, project: str, number: int) -> Version:
    """A version by its number. Raises `StoreError` naming those that there are."""
    entries = {entry.version: entry for entry in history(connection, project)}
    if number not in entries:
        there = f"there are {sorted(entries)}" if entries else "run the project first"
        raise StoreError(f"{project} has no version {number}; {there}.")
    return entries[number]


def version(connection: sa.Connection, project: str, student: Student) -> Version | None:
    """What is recorded of a student, or None."""
    query = sa.select(VERSIONS).where(VERSIONS.c.project == project, VERSIONS.c.student == student.fingerprint)
    row = connection.execute(query).first()
    return version_of(row) if row else None


def move(
    connection: sa.Connection, project: str, student: Student | None, why: Why, who: str = "", reason: str = ""
) -> None:
    """Put a student, or nobody, on stage. Raises `StoreError` where the store does not hold the student whole."""
    if student is not None and not Store().shared(student):
        raise StoreError(
            f"{Store().path(student)} is damaged or gone, so it cannot go on stage; the champion stays as it was. "
            "Run its project again to make it anew, or restore the folder from a copy."
        )
    connection.execute(
        sa.insert(MOVES).values(
            project=project,
            champion=student.fingerprint if student else None,
            before=champion(connection, project),
            why=why,
            moved_at=time.time(),
            who=who,
            reason=reason,
        )
    )


def record(connection: sa.Connection, project: str, entry: Version) -> None:
    """Enter a version, or what became of it when it was judged again; its number is the next, or the one it has."""
    own = sa.and_(VERSIONS.c.project == project, VERSIONS.c.student == entry.student.fingerprint)
    values = {
        "rival": entry.rival.fingerprint if entry.rival else None,
        "verdict": entry.verdict,
        "entered_at": entry.entered_at,
        "holdout": entry.holdout.fingerprint if entry.holdout else None,
        "holdout_rows": entry.holdout.rows if entry.holdout else None,
    }
    known = version(connection, project, entry.student)
    if known is None:
        highest = connection.scalar(sa.select(sa.func.max(VERSIONS.c.version)).where(VERSIONS.c.project == project))
        numbered = {"project": project, "version": (highest or 0) + 1, "student": entry.student.fingerprint}
        connection.execute(sa.insert(VERSIONS).values(numbered | values))
    elif known._replace(version=0, entered_at=entry.entered_at) != entry:
        connection.execute(sa.update(VERSIONS).where(own).values(values))
