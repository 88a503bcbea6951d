"""What the registry gives: versions, moves of the champion, and what people decided."""

from typing import Any, Literal, NamedTuple

from tasks.artifacts import Dataset, Student

Why = Literal["promoted", "approved", "promoted by hand", "rolled back"]
Decided = Literal["approved", "rejected", "timed out", "superseded"]


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


class Decision(NamedTuple):
    """A student that a holdout decided on, and the digest of what it was judged by and against whom."""

    student: Student
    holdout: Dataset
    judged_by: str


class Approval(NamedTuple):
    """A question whether a student goes on stage, open until a moment, or with what was decided.

    It is about the evidence of its time: the fingerprints of the rival and of the holdout.
    """

    student: Student
    asked_at: float
    until: float
    decision: Decided | None
    who: str
    note: str
    rival: str | None = None
    holdout: str | None = None

    def about(self, entry: Version) -> bool:
        """Whether what is recorded of the student now is what was asked about: a promote verdict, on this evidence."""
        evidence = _fingerprint(entry.rival), _fingerprint(entry.holdout)
        return entry.verdict == "promote" and evidence == (self.rival, self.holdout)


def _fingerprint(handle: Student | Dataset | None) -> str | None:
    return handle.fingerprint if handle else None


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


def decision_of(row: Any) -> Decision:
    """A row of `DECISIONS`."""
    holdout = Dataset(fingerprint=row.holdout, rows=row.holdout_rows)
    return Decision(Student(fingerprint=row.student), holdout, row.judged_by)


def approval_of(row: Any) -> Approval:
    """A row of `APPROVALS`."""
    student = Student(fingerprint=row.student)
    stands = row.decision, row.who or "", row.note or ""
    return Approval(student, row.asked_at, row.until, *stands, row.rival, row.holdout)
