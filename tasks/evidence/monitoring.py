"""What the audits of a promoted student show: how far it agrees with the teacher, how traffic moved, the outcome."""

from typing import Literal

from pydantic import BaseModel

from tasks.evidence.scores import Measure

State = Literal["healthy", "watch", "retrain"]
Found = Literal["no", "perhaps", "yes"]


class Watched(BaseModel, frozen=True, extra="forbid"):
    """A metric's agreement with the teacher, over all rows (`all`) or in a slice: before, and in the latest looks.

    `looks` are those in which the drop is surest, `chance` how often none would look like it, `allowed` how often that
    may be: the drop is `found` where it is less, and as large as matters.
    """

    metric: str
    slice: str
    before: float
    now: float
    rows_before: int
    rows: int
    looks: int
    drop: float
    chance: float
    allowed: float
    found: Found


class Moved(BaseModel, frozen=True, extra="forbid"):
    """Something beside agreement that may move: what, by how much against how much matters, how often by chance."""

    about: str
    words: str
    size: float
    matters: float
    chance: float
    allowed: float
    found: Found
    slice: str = ""


class Seen(BaseModel, frozen=True, extra="forbid"):
    """One audit as the page shows it: when, how many rows, and each metric's agreement over rows drawn from all.

    The intervals hold together, over all audits of a year, at the confidence that the error of a year leaves.
    """

    number: int
    at: float
    rows: int
    agreement: dict[str, Measure]


class Traffic(BaseModel, frozen=True, extra="forbid"):
    """What became of the traffic's rows, by outcome, and what asking about them cost."""

    rows: int
    outcomes: dict[str, int]
    usd: float | None = 0.0
    stopped: str = ""


class Monitored(BaseModel, frozen=True, extra="forbid"):
    """What a look at the promoted student came to, and why."""

    project: str
    version: int
    state: State
    reasons: list[str]
    at: float
    traffic: Traffic
    promotion: dict[str, Measure]
    seen: list[Seen]
    watched: list[Watched]
    moved: list[Moved]
    gathered: int
    new_rows: int
