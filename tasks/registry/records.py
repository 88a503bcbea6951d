"""What the registry gives: versions, moves of the champion, and what people decided."""

from typing import Any, Literal, NamedTuple

from tasks.artifacts import Dataset, Student

Why = Literal["promoted", "approved", "promoted by hand", "rolled back"]
Decided = Literal["approved", "rejected", "timed out"]


class Version(NamedTuple):
    """A student that was judged: its number in the project, what it was compared with and judged on, the verdict."""

    version: int
    student: Student
    rival: Student | None
    verdict: str
    entered_at: float
    holdout: Dataset | None = None


class Move(NamedTuple):
    """A change of champion: who came, who left, why; and where a person did it, who and for what reason."""

    champion: Student | None
    before: Student | None
    why: Why
    moved_at: float
    who: str = ""
    reason: str = ""


class Approval(NamedTuple):
    """A question whether a student goes on stage, open until a moment, or with what was decided."""

    student: Student
    asked_at: float
    until: float
    decision: Decided | None
    who: str
    note: str


def student_of(fingerprint: str | None) -> Student | None:
    """The handle of a fingerprint that may be absent."""
    return Student(fingerprint=fingerprint) if fingerprint else None


def version_of(row: Any) -> Version:
    """A row of `VERSIONS`."""
    holdout = Dataset(fingerprint=row.holdout, rows=row.holdout_rows) if row.holdout else None
    student = Student(fingerprint=row.student)
    return Version(row.version, student, student_of(row.rival), row.verdict, row.entered_at, holdout)


def move_of(row: Any) -> Move:
    """A row of `MOVES`."""
    came, left = student_of(row.champion), student_of(row.before)
    return Move(came, left, row.why, row.moved_at, row.who or "", row.reason or "")


def approval_of(row: Any) -> Approval:
    """A row of `APPROVALS`."""
    student = Student(fingerprint=row.student)
    return Approval(student, row.asked_at, row.until, row.decision, row.who or "", row.note or "")
