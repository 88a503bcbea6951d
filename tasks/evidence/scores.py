"""What systems' answers amount to: estimates, differences, what answering takes, and what judges are worth."""

from typing import Literal

from pydantic import BaseModel

ALL = "all"

Holds = Literal["yes", "no", "unsettled"]


class Measure(BaseModel, frozen=True, extra="forbid"):
    """A mean with its 95 % interval, the rows and the independent groups behind it."""

    mean: float
    low: float
    high: float
    n: int
    groups: int


class Estimate(Measure, frozen=True, extra="forbid"):
    """A system's mean score on a metric, over a part of the rows as a whole (`all`) or over one slice of it.

    `failed` are rows that got no answer, which score 0; `unjudged` those of which a judge gave no readable verdict: the
    interval holds whatever they would have been.
    """

    system: str
    metric: str
    part: str
    slice: str
    unjudged: int = 0
    failed: int = 0


class Difference(Estimate, frozen=True, extra="forbid"):
    """The mean of the system's score less the other's, row by row.

    `detectable` is the smallest difference that so many rows would have shown four times in five.
    """

    versus: str
    detectable: float = 0.0


class Scores(BaseModel, frozen=True, extra="forbid"):
    """What the systems' answers amount to: the evidence that the gate decides on."""

    estimates: list[Estimate]
    differences: list[Difference]


class Usage(BaseModel, frozen=True, extra="forbid"):
    """What a system's answers take, a row on average: tokens by the system's own count, seconds by the clock.

    `input_tokens` count those read from the provider's cache and those written to it, too. `cut_off` are the rows whose
    answer reached the longest length allowed.
    """

    system: str
    rows: int
    failed: int
    input_tokens: float
    output_tokens: float
    seconds: float
    seconds_median: float
    seconds_p95: float = 0.0
    cached_tokens: float = 0.0
    cache_write_tokens: float = 0.0
    cut_off: int = 0


class PromptTried(BaseModel, frozen=True, extra="forbid"):
    """A number of examples in the base's prompt, and its mean score over all metrics on so many validation rows."""

    examples: int
    mean: float
    n: int


class Judging(BaseModel, frozen=True, extra="forbid"):
    """What a judge's metric rests on: who judged, how many verdicts, and how far the judge can be trusted.

    `again` is how often a second sample of it says the same; `across_orders` and `first_wins`, of a judge that
    compares, how often it says the same in both orders, and how often whichever was shown first wins. `alarm` says why
    it must not be trusted, and is empty where nothing speaks against it.
    """

    metric: str
    judge: str
    verdicts: int
    unreadable: int
    again: Measure | None = None
    across_orders: Measure | None = None
    first_wins: Measure | None = None
    same_as_teacher: bool = False
    alarm: str = ""


class FailureMode(BaseModel, frozen=True, extra="forbid"):
    """A way in which students go wrong: whether it shows (`fires`), against which threshold, and why in words.

    `estimates` and `differences` are what it measured; a rule of the gate may name their metrics and parts. Where there
    was too little to measure it by, it is not `measured`, and does not fire.
    """

    mode: str
    fires: Holds
    words: str
    threshold: float
    measured: bool = True
    estimates: list[Estimate] = []
    differences: list[Difference] = []
    examples: list[str] = []
