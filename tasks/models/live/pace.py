"""How fast a service is asked: as many requests at once as it bears, and no more a minute than it allows.

One gate a lane (a provider's model at an address). The number in flight rises by addition and falls by multiplication
(AIMD, after Chiu and Jain, 1989) with refusals and with growing latency; rates follow the service's headers, or what the
project sets, through token buckets. Times are seconds of a monotonic clock, handed in, so that tests need not wait.
"""

from collections import deque
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

from tasks.models.live.limits import Limits

_START, _RAMP_SECONDS = 4.0, 0.6
_WINDOW, _SLOWER, _NARROWER = 32, 2.5, 0.7
_SHARE, _LOWER, _RECOVERY_A_SECOND = 0.99, 0.85, 0.02
_ONE_BURST_SECONDS = 0.5
_CLOCK_SECONDS = 1e-6
_PROBE_SECONDS, _LONGEST_PROBE_SECONDS = 1.0, 30.0
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
        self.per_minute, self.share, self._burst_seconds = per_minute, _SHARE, burst_seconds
        self.level, self._at = 1.0, now

    def fill(self, now: float) -> None:
        """Bring the level up to now."""
        self.level = min(self._capacity, self.level + (now - self._at) * self._a_second)
        self._at = now

    def seconds_until(self, amount: float, now: float) -> float:
        """How long until this much may be drawn; more than the bucket holds may be drawn once it is full."""
        self.fill(now)
        seconds = (min(amount, self._capacity) - self.level) / self._a_second
        return seconds if seconds > _CLOCK_SECONDS else 0.0

    @property
    def _a_second(self) -> float:
        return self.per_minute * self.share / 60

    @property
    def _capacity(self) -> float:
        return max(1.0, self._a_second * self._burst_seconds)


class Gate:
    """Says how many requests may be sent now, and learns from what comes back."""

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._width, self._ramping, self._began = min(_START, pace.max_in_flight), True, now
        self._requests = Bucket(pace.requests_per_minute, 0.0, now) if pace.requests_per_minute else None
        self._tokens = Bucket(pace.tokens_per_minute, 1.0, now) if pace.tokens_per_minute else None
        self._guessed = False
        self._closed_until, self._refused_at, self._admitted = now, now, 0
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._quickest, self._unseen = float("inf"), 0
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
        if self.probing:
            return 1
        if self._ramping:
            grown = (now - self._began) / _RAMP_SECONDS * self._pace.max_in_flight
            self._width = min(self._pace.max_in_flight, _START + grown)
            self._ramping = self._width < self._pace.max_in_flight
        return max(1, int(self._width))

    def wait(self, tokens: float, in_flight: int, now: float) -> float | None:
        """Seconds until a request of this many tokens may be sent; 0 for now, None for when another comes back."""
        if now < self._closed_until:
            return self._closed_until - now
        if in_flight >= self.width(now):
            return _RAMP_SECONDS / self._pace.max_in_flight if self._ramping else None
        waits = (bucket.seconds_until(amount, now) for bucket, amount in self._buckets(tokens))
        return max(waits, default=0.0)

    def send(self, tokens: float) -> None:
        """Count a request that goes out."""
        self._admitted += 1
        for bucket, amount in self._buckets(tokens):
            bucket.level -= amount

    def answered(self, seconds: float, limits: Limits, now: float) -> None:
        """Learn from an answer: the service's limits, that it lives, and whether it grows slower."""
        self._recover(now - self._answered_at)
        self._failures, self._probe_after, self._answered_at = 0, _PROBE_SECONDS, now
        self._learn(limits, now)
        self._recent.append(seconds)
        self._unseen += 1
        if not self._ramping and self._unseen >= max(_WINDOW, self._width / 2):
            self._look_at_latency()

    def refused(self, limits: Limits, in_flight: int, now: float) -> float:
        """Learn from a refusal for the rate's sake; returns the seconds until that request may be tried again.

        Refusals that come together count once. Where the limit is known, a first one only teaches it; where nobody
        says it, it is what was admitted since the refusal before.
        """
        wait = 1.0 if limits.retry_after_seconds is None else limits.retry_after_seconds
        self._closed_until = max(self._closed_until, now + wait)
        self._admitted -= 1
        paced = self._requests is not None and not self._ramping
        self._learn(limits, now)
        if self._ramping or now - self._refused_at >= _ONE_BURST_SECONDS:
            elapsed = max(0.1, now - (self._began if self._ramping else self._refused_at))
            if self._requests is None or self._guessed:
                self._guessed = True
                self._requests = Bucket(max(6.0, self._admitted / elapsed * 60), 1.0, now)
            elif paced:
                self._requests.share = max(0.05, self._requests.share * _LOWER)
            self._width = max(1.0, in_flight * _NARROWER) if self._guessed else self._width
            self._refused_at, self._admitted, self._ramping = now, 0, False
            if not self._guessed:
                self._width = self._pace.max_in_flight
        for bucket, _ in self._buckets(0):
            bucket.fill(now)
            bucket.level = min(bucket.level, 0.0)
        return wait

    def failed(self, now: float) -> None:
        """Learn from a failure of the service: after many in a row, and nothing between, it is tried one by one."""
        self._failures += 1
        if self.probing:
            self._closed_until = now + self._probe_after
            self._probe_after = min(_LONGEST_PROBE_SECONDS, self._probe_after * 2)

    def _look_at_latency(self) -> None:
        usual, self._unseen = median(self._recent), 0
        self._quickest = min(self._quickest * 1.02, usual)
        if usual > _SLOWER * self._quickest:
            self._width = max(1.0, self._width * _NARROWER)
        else:
            self._width = min(self._pace.max_in_flight, self._width + max(1.0, self._pace.max_in_flight / 10))

    def _recover(self, seconds: float) -> None:
        if self._requests is None:
            return
        if self._guessed:
            self._requests.per_minute *= 1 + _RECOVERY_A_SECOND * min(seconds, 1.0)
        else:
            self._requests.share = min(_SHARE, self._requests.share + _RECOVERY_A_SECOND * min(seconds, 1.0))

    def _buckets(self, tokens: float) -> list[tuple[Bucket, float]]:
        buckets = [(self._requests, 1.0), (self._tokens, tokens)]
        return [(bucket, amount) for bucket, amount in buckets if bucket is not None]

    def _learn(self, limits: Limits, now: float) -> None:
        """Take over the limits that the service says, where the project sets none."""
        said, held = limits.requests.per_minute, self._requests
        if self._pace.requests_per_minute is None and said is not None:
            if held is None or self._guessed:
                self._requests, self._guessed = Bucket(said, 1.0, now), False
                self._requests.level = 0.0
            else:
                held.per_minute = said
        said, held = limits.tokens.per_minute, self._tokens
        if self._pace.tokens_per_minute is None and said is not None:
            if held is None:
                self._tokens = Bucket(said, 1.0, now)
            else:
                held.per_minute = said
