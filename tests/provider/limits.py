"""Rate limits as token buckets: they fill steadily and hold a few seconds of the limit."""

from typing import NamedTuple

from tests.provider.behaviour import Behaviour
from tests.provider.question import Problem

CLOCK_SECONDS = 1e-6  # a wait below what a clock can tell is none


class Level(NamedTuple):
    """How a limit stands: the limit is per minute, the reset is when the bucket is full again."""

    limit: int
    remaining: int
    reset_seconds: float


class Bucket:
    """One limit; an amount larger than the bucket is let in when it is full, and leaves a debt."""

    def __init__(self, per_minute: float, burst_seconds: float, now: float) -> None:
        self.per_minute, self.rate = per_minute, per_minute / 60
        self.capacity = max(1.0, self.rate * burst_seconds)
        self.held, self.at = self.capacity, now

    def wait_seconds(self, amount: float, now: float) -> float:
        """How long until the amount would be let in."""
        self.held = min(self.capacity, self.held + (now - self.at) * self.rate)
        self.at = now
        seconds = (min(amount, self.capacity) - self.held) / self.rate
        return seconds if seconds > CLOCK_SECONDS else 0.0

    def level(self) -> Level:
        """How the limit stands."""
        return Level(round(self.per_minute), max(0, int(self.held)), (self.capacity - self.held) / self.rate)


class Limits:
    """The limits of one service by the names that its headers use."""

    def __init__(self, behaviour: Behaviour, token_limits: tuple[str, ...], now: float) -> None:
        self.retry_after_seconds = behaviour.retry_after_seconds
        limits = {"requests": behaviour.requests_per_minute} | dict.fromkeys(token_limits, behaviour.tokens_per_minute)
        self.buckets = {name: Bucket(limit, behaviour.burst_seconds, now) for name, limit in limits.items() if limit}

    def take(self, amounts: dict[str, int], now: float) -> None:
        """Let a request of these amounts in; raises Problem where a limit is reached, and takes nothing then."""
        waits = {name: bucket.wait_seconds(amounts[name], now) for name, bucket in self.buckets.items()}
        name = max(waits, key=waits.__getitem__, default="")
        if name and waits[name] > 0:
            wait = waits[name] if self.retry_after_seconds is None else self.retry_after_seconds
            limit = self.buckets[name].level().limit
            raise Problem("rate_limited", wait, limited=name, limit=limit, requested=amounts[name])
        for name, bucket in self.buckets.items():
            bucket.held -= amounts[name]

    def levels(self) -> dict[str, Level]:
        """How every limit stands."""
        return {name: bucket.level() for name, bucket in self.buckets.items()}
