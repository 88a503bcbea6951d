"""How a student was made."""

from pydantic import BaseModel

from tasks.evidence.scores import Difference, Estimate


class CurvePoint(BaseModel, frozen=True, extra="forbid"):
    """The mean loss a token after so many steps, in training since the last point and on the validation rows."""

    step: int
    epoch: float
    train_loss: float
    validation_loss: float | None


class Tried(BaseModel, frozen=True, extra="forbid"):
    """A learning rate that was tried, and the lowest validation loss that it came to."""

    learning_rate: float
    validation_loss: float | None


class Training(BaseModel, frozen=True, extra="forbid"):
    """How a student was made: what it saw, and how its loss fell."""

    rows: int
    watched: int = 0
    too_long: int
    tokens: int
    answer_tokens: int
    longest_row: int
    trained_parameters: int
    steps: int
    seconds: float
    example: str
    curve: list[CurvePoint]
    method: str = "full"
    epochs: int = 0
    learning_rate: float = 0.0
    best_step: int = 0
    searched: list[Tried] = []


class LearnedShare(BaseModel, frozen=True, extra="forbid"):
    """A student of a share of the rows, in percent: how many it learned, and its scores on the holdout."""

    share: int
    rows: int
    student: str
    estimates: list[Estimate]


class LearningCurve(BaseModel, frozen=True, extra="forbid"):
    """How a student's scores grow with the rows that it learns from, and what the last step added, metric by metric.

    `holdout` is what it was judged on, and `judging` the digest of the project's `evaluate`.
    """

    student: str
    holdout: str = ""
    judging: str = ""
    shares: list[LearnedShare]
    gains: list[Difference]
    words: str
