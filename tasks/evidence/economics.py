"""What a system's answers cost, and after how many requests a student has paid for itself."""

import math

from pydantic import BaseModel


class Cost(BaseModel, frozen=True, extra="forbid"):
    """What a system's answers cost and take: US dollars a thousand requests, tokens and seconds a request.

    `usd_per_thousand` is None where nothing says what the system costs; `basis` says in words how it is known. Where a
    model answers many requests together, seconds are a request's share.
    """

    system: str
    usd_per_thousand: float | None
    basis: str
    input_tokens: float
    output_tokens: float
    seconds_p50: float
    seconds_p95: float
    cached_tokens: float = 0.0


class Economics(BaseModel, frozen=True, extra="forbid"):
    """What each system's answers cost, what making the student cost in US dollars, and when it pays.

    `judging_usd` is all that was asked beside teaching, and the machine's time in evaluation; `lost_usd` the most that
    tries without an answer may have cost. A sum is None where a part of it has no price. `requests_to_pay` is None
    where the student never pays, or where that is not known; `words` say which.
    """

    costs: list[Cost] = []
    teaching_usd: float | None = None
    judging_usd: float | None = None
    lost_usd: float = 0.0
    training_usd: float | None = None
    training_seconds: float = 0.0
    requests_to_pay: int | None = None
    words: str = ""

    @property
    def made_usd(self) -> float | None:
        """All that making the student cost; None where a part of it has no price."""
        return total(self.teaching_usd, self.judging_usd, self.lost_usd, self.training_usd)


def total(*parts: float | None) -> float | None:
    """The sum, or None where a part of it is not known."""
    known = [part for part in parts if part is not None]
    return math.fsum(known) if len(known) == len(parts) else None
