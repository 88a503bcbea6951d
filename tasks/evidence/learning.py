"""How a student was made."""

from pydantic import BaseModel


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
