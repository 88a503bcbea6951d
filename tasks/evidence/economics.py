"""What a system's answers cost, and after how many requests a student has paid for itself."""

from pydantic import BaseModel


class Cost(BaseModel, frozen=True, extra="forbid"):
    """What a system's answers cost and take: US dollars a thousand requests, tokens and seconds a request.

    `usd_per_thousand` is None where nothing says what the system costs; `basis` says in words how it is known.
    """

    system: str
    usd_per_thousand: float | None
    basis: str
    input_tokens: float
    output_tokens: float
    seconds_p50: float
    seconds_p95: float


class Economics(BaseModel, frozen=True, extra="forbid"):
    """What each system's answers cost, what making the student cost in US dollars, and when it pays."""

    costs: list[Cost] = []
    teaching_usd: float | None = None
    training_usd: float | None = None
    training_seconds: float = 0.0
    requests_to_pay: int | None = None
    words: str = ""
