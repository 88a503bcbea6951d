"""All that a decision rests on, from the rows that came in to the verdict. Written as `evidence.json`."""

from typing import Any, Literal

from pydantic import BaseModel

from tasks.evidence.data import Collapse, Coverage, DroppedExample, Outcome, People
from tasks.evidence.economics import Economics
from tasks.evidence.learning import LearningCurve, Training
from tasks.evidence.scores import Estimate, FailureMode, Holds, Judging, PromptTried, Scores, Usage

SCHEMA_VERSION = 2

Verdict = Literal["promote", "reject", "inconclusive"]


class Reason(BaseModel, frozen=True, extra="forbid"):
    """One rule of the gate, whether it holds, and why in words and numbers; `blocks` where the verdict heeds it."""

    holds: Holds
    words: str
    rows_to_settle: int = 0
    blocks: bool = True


class StageRecord(BaseModel, frozen=True, extra="forbid"):
    """A stage: its tally, its time, and the artefacts that it made."""

    stage: str
    version: str
    rows_in: int
    outcomes: dict[str, int]
    seconds: float
    made: dict[str, str]


class Comparison(BaseModel, frozen=True, extra="forbid"):
    """A row that every system answered: the text and the scores of each.

    `drawn` says that it was drawn at random, beside those on which the student did worst against the teacher.
    """

    id: str
    slice: str
    part: str
    said: str
    reference: str
    approved: bool
    answers: dict[str, str]
    scores: dict[str, dict[str, float]]
    drawn: bool = False


class Answered(BaseModel, frozen=True, extra="forbid"):
    """All the rows of a part that every system answered, of which the comparisons are some.

    `approved` of them are judged by an answer that people approved; on `worse` the student scored below the teacher.
    """

    part: str
    rows: int
    approved: int
    worse: int


class Cause(BaseModel, frozen=True, extra="forbid"):
    """Why a student is not better: one cause that the evidence shows, in words and numbers."""

    cause: str
    words: str


class Wear(BaseModel, frozen=True, extra="forbid"):
    """How often this holdout has decided on a student, and how often it may before its verdicts mean too little.

    Rules are held at the `confidence`. `fresh_rows` would have to be held out before worn-out rows could promote again.
    """

    decided: int
    at_most: int
    words: str
    confidence: float = 0.95
    fresh_rows: int = 0


class Evidence(BaseModel, frozen=True, extra="forbid"):
    """All that a decision rests on."""

    schema_version: int = SCHEMA_VERSION
    project: str
    version: int
    verdict: Verdict
    on_stage: bool
    reasons: list[Reason]
    stages: list[StageRecord]
    scores: Scores
    usage: list[Usage]
    training: Training
    config: dict[str, Any]
    versions: dict[str, str]
    coverage: list[Coverage] = []
    dropped: list[DroppedExample]
    funnel: list[Outcome] = []
    people: People = People()
    collapsed: list[Collapse] = []
    comparisons: list[Comparison]
    answered: list[Answered] = []
    ceiling: list[Estimate] = []
    prompts: list[PromptTried] = []
    judging: list[Judging] = []
    failure_modes: list[FailureMode] = []
    economics: Economics = Economics()
    learning_curve: LearningCurve | None = None
    causes: list[Cause] = []
    wear: Wear | None = None


class Stopped(BaseModel, frozen=True, extra="forbid"):
    """A run that ended in an error: the stages that were done before, and what stopped the next one."""

    schema_version: int = SCHEMA_VERSION
    project: str
    stage: str
    words: str
    stages: list[StageRecord]
