"""A service in simulated time and a dispatcher in miniature, so that hours at a gate pass in moments."""

import heapq
import random
from collections.abc import Callable
from itertools import count
from typing import Literal, NamedTuple

from tasks.models.live.limits import Limit, Limits
from tasks.models.live.pace import Gate, Pace

REFUSAL_SECONDS = 0.05


class Server:
    """Token buckets, a latency that may follow the load, and an outage from one second to another."""

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        latency: Callable[[int, float], float] = lambda load, now: 0.5,
        headers: bool = True,
        retry_after: bool = True,
        burst_seconds: float = 1.0,
        down: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.limits, self._latency, self._headers = (requests_per_minute, tokens_per_minute), latency, headers
        self._retry_after, self._burst_seconds, self._down = retry_after, burst_seconds, down
        self._held, self._at, self._chance = [float("inf")] * 2, 0.0, random.Random(0)
        self.load = 0

    def say(self, wait: float | None = None) -> Limits:
        """What the headers say."""
        requests, tokens = (Limit(limit if self._headers else None) for limit in self.limits)
        return Limits(requests, tokens, wait if self._retry_after else None)

    def reply(self, tokens: float, now: float) -> tuple[float, Literal["answer", "refusal", "failure"], float]:
        """When the reply comes, what it is, and the wait it asks for."""
        if self._down[0] <= now < self._down[1]:
            return now + REFUSAL_SECONDS, "failure", 0.0
        waits = [self._fill(which, amount, now) for which, amount in enumerate((1.0, tokens))]
        self._at = now
        if max(waits) > 1e-6:
            return now + REFUSAL_SECONDS, "refusal", max(waits)
        self._held = [self._held[0] - 1, self._held[1] - tokens]
        return now + self._latency(self.load, now) * self._chance.uniform(0.8, 1.2), "answer", 0.0

    def _fill(self, which: int, amount: float, now: float) -> float:
        limit = self.limits[which]
        if limit is None:
            return 0.0
        capacity = max(1.0, limit / 60 * self._burst_seconds)
        self._held[which] = min(capacity, self._held[which] + (now - self._at) * limit / 60)
        return (min(amount, capacity) - self._held[which]) / (limit / 60)


class Moment(NamedTuple):
    """How things stood after something happened."""

    now: float
    width: int
    in_flight: int


class Outcome(NamedTuple):
    """When requests were sent, how many were refused, and how wide the gate was."""

    seconds: float
    sent: list[float]
    refused: int
    moments: list[Moment]

    @property
    def refused_share(self) -> float:
        """Refusals for each request that was sent."""
        return self.refused / len(self.sent)

    def widths(self, begins: float, ends: float) -> list[int]:
        """The gate's widths in a while."""
        return [moment.width for moment in self.moments if begins <= moment.now < ends]


def ask(server: Server, requests: int, tokens: float = 10, until: float = 1e6, **pace: float) -> Outcome:
    """Ask until every request is answered, as the dispatcher does."""
    gate, now, ready, chance = Gate(Pace.model_validate(pace), 0.0), 0.0, requests, random.Random(1)
    later: list[float] = []
    flying: list[tuple[float, int, str, float, float]] = []
    sent, moments, refused, answered, numbers = [], [], 0, 0, count()
    while answered < requests and now < until:
        while later and later[0] <= now:
            heapq.heappop(later)
            ready += 1
        wait: float | None = None
        while ready and not (wait := gate.wait(tokens, len(flying), now)) and wait is not None:
            gate.send(tokens)
            sent.append(now)
            ready, server.load = ready - 1, server.load + 1
            comes, kind, asks = server.reply(tokens, now)
            heapq.heappush(flying, (comes, next(numbers), kind, asks, now))
        moments.append(Moment(now, gate.width(now), len(flying)))
        now = min([*(flight[0] for flight in flying[:1]), *later[:1], *([now + wait] if ready and wait else [])])
        while flying and flying[0][0] <= now:
            _, _, kind, asks, began = heapq.heappop(flying)
            server.load -= 1
            if kind == "answer":
                gate.answered(now - began, server.say(), now)
                answered += 1
            elif kind == "refusal":
                pause = gate.refused(server.say(asks), now)
                heapq.heappush(later, now + pause * chance.uniform(1, 1.2))
                refused += 1
            else:
                gate.failed(now)
                heapq.heappush(later, now + chance.uniform(0.5, 1))
    return Outcome(now, sent, refused, moments)
