"""What became of the rows: coverage, outcomes, what people decided, and what was dropped."""

from typing import Literal

from pydantic import BaseModel

from tasks.evidence.scores import Estimate

THIN_ROWS = 10


class Coverage(BaseModel, frozen=True, extra="forbid"):
    """What a sample covers of a slice: rows, and kinds of them, where a kind is rows that are alike to the encoder."""

    slice: str
    available: int
    picked: int
    kinds: int
    kinds_picked: int

    @property
    def thin(self) -> bool:
        """Whether there is too little to learn from."""
        return self.picked < THIN_ROWS


class GoneReview(BaseModel, frozen=True, extra="forbid"):
    """A review whose row is not in the run; it counts again when the row comes back."""

    id: str
    decision: str


class People(BaseModel, frozen=True, extra="forbid"):
    """What people decided: rows of the run by their review, those where it replaced the gold file's answer.

    `teacher_errors` are the shares of the teachers' answers that differ from what people approved. Their part is `gold`
    for the rows of the gold file, `drawn` for reviewed rows that were drawn at random from what the filter kept; their
    metric is a field of the answer's JSON object, or the whole answer.
    """

    approved: int = 0
    corrected: int = 0
    vetoed: int = 0
    over_gold: int = 0
    gone: list[GoneReview] = []
    teacher_errors: list[Estimate] = []


class Collapse(BaseModel, frozen=True, extra="forbid"):
    """What nearly all of the teacher's answers in a slice have in common; a flag for people, no reason to drop one."""

    slice: str
    rows: int
    alike: Literal["length", "opening", "shape"]
    share: float
    seen: str


class Outcome(BaseModel, frozen=True, extra="forbid"):
    """How many rows came to one outcome of a stage, by slice; `leaves` where they went no further."""

    stage: str
    outcome: str
    leaves: bool
    slices: dict[str, int]


class DroppedExample(BaseModel, frozen=True, extra="forbid"):
    """A row that went no further, to show what a reason means."""

    stage: str = "filter"
    reason: str
    id: str
    slice: str
    said: str
    answer: str
    evidence: str
