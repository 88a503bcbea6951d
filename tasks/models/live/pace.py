"""How fast a service is asked: as many requests at once as it bears, and no more a minute than it allows.

One gate a lane (a provider's model at an address). The number in flight rises by addition and falls by multiplication
(AIMD, after Chiu and Jain, 1989) with growing latency. Rates follow what the project sets or the service's headers say,
through token buckets; where refusals come all the same, or nobody says a limit, the rate is found as CUBIC finds a
network's (RFC 9438). Times are seconds of a monotonic clock, handed in, so that tests need not wait.
"""

from collections import deque
from math import inf
from statistics import median
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.models.live.limits import Limits

_START, _RAMP_SECONDS, _RAMP_STEP_SECONDS = 2.0, 0.65, 0.01
_WINDOW, _SLOWER, _NARROWER, _NO_HELP = 32, 2.5, 0.7, 0.9
_SHARE, _BURST_SECONDS, _EVEN_SECONDS = 0.99, 0.5, 0.1
_DIP, _SEARCH_SECONDS, _SEARCH_REQUESTS = 0.15, 10.0, 60.0
_SHORTEST_SECONDS, _UNTOLD = 1.0, 4.0
_ONE_BURST_SECONDS, _CLOCK_SECONDS = 0.5, 1e-6
_CLOSED_SECONDS, _LONGEST_CLOSED_SECONDS = 0.25, 8.0
_PROBE_SECONDS, _LONGEST_PROBE_SECONDS = 1.0, 60.0
_OUTAGE_FAILURES = 10


class Pace(BaseModel):
    """How a service is asked; nothing of it decides an answer, so none of it enters a key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_in_flight: int = Field(default=128, ge=1, description="The most requests that wait for an answer at once.")
    requests_per_minute: float | None = Field(
        default=None, gt=0, description="The service's limit; read from its headers where not set."
    )
    tokens_per_minute: float | None = Field(
        default=None, gt=0, description="The service's limit, prompt and longest answer; read from its headers."
    )
    timeout_seconds: float = Field(default=300, gt=0, description="How long one try may take.")
    attempts: int = Field(default=6, ge=1, description="Tries a request; a refusal for the rate's sake is none.")
    give_up_seconds: float = Field(
        default=600, gt=0, description="How long a service may answer nothing at all before the run stops."
    )


class Bucket:
    """A token bucket: fills at a rate a minute up to `burst_seconds` of it; may be drawn below empty, then waits."""

    def __init__(self, per_minute: float, burst_seconds: float, now: float) -> None:
        self.rate, self._burst_seconds = per_minute / 60, burst_seconds
        self.level, self._at = 1.0, now

    def fill(self, now: float) -> None:
        """Bring the level up to now."""
        self.level = min(self._capacity, self.level + (now - self._at) * self.rate)
        self._at = now

    def seconds_until(self, amount: float, now: float) -> float:
        """How long until this much may be drawn; more than the bucket holds may be drawn once it is full."""
        self.fill(now)
        seconds = (min(amount, self._capacity) - self.level) / self.rate
        return seconds if seconds > _CLOCK_SECONDS else 0.0

    @property
    def _capacity(self) -> float:
        return max(1.0, self.rate * self._burst_seconds)


class Found(NamedTuple):
    """The rate, requests a second, at which a service began to refuse; it is neared quickly and passed slowly."""

    peak: float
    at: float

    def rate(self, now: float) -> float:
        """CUBIC's curve: a dip, a plateau at the peak, then a search beyond it, up to twice the peak."""
        scale = max(_SEARCH_SECONDS, _SEARCH_REQUESTS / self.peak)
        return self.peak * (1 + min(1.0, (now - self.at) / scale - _DIP ** (1 / 3)) ** 3)


class _Burst(NamedTuple):
    """Refusals that came together: what was let in between the burst before and this one, at what rate, and when."""

    admitted: int
    seconds: float
    rate: float
    at: float
    before: Found | None

    @property
    def found(self) -> Found:
        """What it tells of the rate: nothing where none was let in; few requests tell little, so it halves at most."""
        if self.admitted <= 0:
            return self.before or Found(_UNTOLD, self.at)
        least = 0.0 if self.rate == inf else self.rate / 2
        return Found(min(self.rate, max(self.admitted / self.seconds, least)), self.at)


class Gate:
    """Says how many requests may be sent now, and learns from what comes back."""

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._width, self._ramping, self._began = min(_START, pace.max_in_flight), True, now
        self._limit = pace.requests_per_minute * _SHARE / 60 if pace.requests_per_minute else inf
        self._requests = Bucket(self._limit * 60, _EVEN_SECONDS, now) if self._limit < inf else None
        tokens = pace.tokens_per_minute
        self._tokens = Bucket(tokens * _SHARE, _BURST_SECONDS, now) if tokens else None
        self._found: Found | None = None
        self._burst = _Burst(1, 1.0, inf, now, None)
        self._closed_until, self._close_for = now, _CLOSED_SECONDS
        self._admitted = 0
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._quickest, self._slow, self._unseen = inf, inf, -pace.max_in_flight
        self._failures, self._probe_after, self._answered_at = 0, _PROBE_SECONDS, now

    @property
    def probing(self) -> bool:
        """Whether the service answers nothing at all, so that one request at a time tries it."""
        return self._failures >= _OUTAGE_FAILURES

    def silent_seconds(self, now: float) -> float:
        """How long the service has answered nothing."""
        return now - self._answered_at

    def width(self, now: float) -> int:
        """How many may be in flight."""
        if self.probing or (self._burst.admitted <= 0 and self._answered_at < self._burst.at):
            return 1
        if self._ramping:
            most, elapsed = self._pace.max_in_flight, (now - self._began) / _RAMP_SECONDS
            self._width = most if elapsed >= 1 or most <= _START else _START * (most / _START) ** elapsed
            self._ramping = self._width < most
        return int(self._width)

    def wait(self, tokens: float, in_flight: int, now: float) -> float | None:
        """Seconds until a request of this many tokens may be sent; 0 for now, None for when another comes back."""
        if now < self._closed_until:
            return self._closed_until - now
        if in_flight >= self.width(now):
            return _RAMP_STEP_SECONDS if self._ramping and not self.probing else None
        if self._found is not None:
            self._follow(self._found, now)
        wait = 0.0 if self._requests is None else self._requests.seconds_until(1.0, now)
        return wait if self._tokens is None else max(wait, self._tokens.seconds_until(tokens, now))

    def send(self, tokens: float) -> None:
        """Count a request that goes out."""
        self._admitted += 1
        if self._requests is not None:
            self._requests.level -= 1.0
        if self._tokens is not None:
            self._tokens.level -= tokens

    def answered(self, seconds: float, limits: Limits, now: float) -> None:
        """Learn from an answer: the service's limits, that it lives, and whether it grows slower."""
        self._failures, self._probe_after, self._answered_at = 0, _PROBE_SECONDS, now
        self._close_for = _CLOSED_SECONDS
        self._learn(limits, now)
        self._recent.append(seconds)
        self._unseen += 1
        if not self._ramping and self._unseen >= max(_WINDOW, self._width):
            self._look_at_latency()

    def refused(self, limits: Limits, now: float) -> float:
        """Learn from a refusal for the rate's sake; returns the seconds until that request may be tried again.

        Refusals that come together count once. Where the limit is known, a first one only teaches it.
        """
        wait = self._close_for if limits.retry_after_seconds is None else limits.retry_after_seconds
        another = self._ramping or now >= max(self._closed_until, self._burst.at + _ONE_BURST_SECONDS)
        knew = self._limit < inf and not self._ramping
        self._closed_until = max(self._closed_until, now + wait)
        self._learn(limits, now)
        searches = self._limit == inf or (knew if another else self._found is not None)
        if another:
            self._begin_burst(now)
        else:
            self._burst = self._burst._replace(admitted=self._burst.admitted - 1)
        if searches:
            self._found = self._burst.found
            self._requests = self._requests or Bucket(self._found.peak * 60, _BURST_SECONDS, now)
        for bucket in (self._requests, self._tokens):
            if bucket is not None:
                bucket.fill(now)
                bucket.level = min(bucket.level, 0.0)
        return wait

    def failed(self, now: float) -> None:
        """Learn from a failure of the service: after many in a row, and nothing between, it is tried one by one."""
        self._failures += 1
        if self.probing:
            self._closed_until = now + self._probe_after
            self._probe_after = min(_LONGEST_PROBE_SECONDS, self._probe_after * 2)

    def _begin_burst(self, now: float) -> None:
        rate = inf if self._ramping or self._requests is None else self._requests.rate
        self._burst = _Burst(self._admitted - 1, max(_SHORTEST_SECONDS, now - self._burst.at), rate, now, self._found)
        self._close_for = min(_LONGEST_CLOSED_SECONDS, self._close_for * 2)
        self._admitted = 0
        self._width = self._pace.max_in_flight if self._ramping else self._width
        self._ramping = False

    def _follow(self, found: Found, now: float) -> None:
        """Take up the found rate; a search that ends at twice the peak while it holds requests up begins anew there."""
        assert self._requests is not None
        rate = found.rate(now)
        if rate >= 2 * found.peak and self._requests.level < 1:
            self._found = Found(rate, now)
        if rate >= self._limit:
            self._found, rate = None, self._limit
        self._requests.rate = rate

    def _look_at_latency(self) -> None:
        usual, most = median(self._recent), self._pace.max_in_flight
        self._quickest, self._unseen = min(self._quickest * 1.02, usual), 0
        slower = usual > _SLOWER * self._quickest
        if slower and usual > _NO_HELP * self._slow:  # fewer at once were no quicker: the load is not ours
            self._quickest, slower = usual, False
        if slower:
            self._slow, self._unseen = usual, -int(self._width)
            self._width = max(1.0, self._width * _NARROWER)
        else:
            self._slow = inf
            self._width = min(most, self._width + max(1.0, most / 10))

    def _learn(self, limits: Limits, now: float) -> None:
        """Take over the limits that the service says, where the project sets none."""
        said = limits.requests.per_minute
        if self._pace.requests_per_minute is None and said is not None and said * _SHARE / 60 != self._limit:
            self._limit = said * _SHARE / 60
            self._requests, self._found = Bucket(said * _SHARE, _BURST_SECONDS, now), None
            self._requests.level = 0.0
        said = limits.tokens.per_minute
        if self._pace.tokens_per_minute is None and said is not None:
            if self._tokens is None:
                self._tokens = Bucket(said * _SHARE, _BURST_SECONDS, now)
            self._tokens.rate = said * _SHARE / 60
