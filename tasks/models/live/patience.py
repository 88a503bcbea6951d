"""What follows from a failure: when its request is tried again, whether its row is given up, when the run stops."""

import random

from tasks.errors import ModelUnavailable
from tasks.models.live.failures import RETRY, STOP, WAIT, Failure, Kind, advice
from tasks.models.live.pace import Gate
from tasks.models.live.service import Service

_FIRST_BACKOFF_SECONDS, _LONGEST_BACKOFF_SECONDS = 0.5, 60.0
_NOBODY_SECONDS = 60.0
_FROM_THE_START, _IN_A_ROW = 10, 25


class Trouble:
    """What one request has been through: tries that count, waits of any kind, and since when."""

    __slots__ = ("since", "tries", "waits")

    def __init__(self) -> None:
        self.tries, self.waits, self.since = 0, 0, 0.0


class Patience:
    """Judges failures. A refusal for the rate's sake, an overload, and a try during an outage are no attempts."""

    def __init__(self, service: Service, gate: Gate) -> None:
        self._service, self._gate = service, gate
        self._answers, self._in_a_row, self._answered_at = 0, 0, 0.0
        self._stop: ModelUnavailable | None = None
        self.trouble: Failure | None = None

    def answered(self, now: float) -> None:
        """Something was answered: whatever was wrong is not so any more."""
        self._answers += 1
        self._in_a_row, self._answered_at, self.trouble = 0, now, None

    def after(self, failure: Failure, trouble: Trouble, now: float) -> float | None:
        """Seconds until the request is tried again; None where it is not."""
        self.trouble, trouble.since = failure, trouble.since or now
        if failure.kind in STOP:
            self._stop = ModelUnavailable(f"{self._names(failure)}. {advice(failure.kind, self._service.key_name)}.")
            return None
        if failure.kind not in WAIT | RETRY:
            self._count_invalid(failure)
            return None
        again = self._wait(failure, trouble, now)
        pace = self._service.pace
        others_fare_better = failure.kind in RETRY or self._answered_at > trouble.since
        too_long = others_fare_better and now - trouble.since > pace.give_up_seconds
        return None if too_long or trouble.tries >= pace.attempts else again

    def hopeless(self, now: float) -> ModelUnavailable | None:
        """Why the run stops, where no row can succeed, or the service has answered nothing for as long as it may."""
        if self._stop is not None or self.trouble is None:
            return self._stop
        patience, silent = self._service.pace.give_up_seconds, self._gate.silent_seconds(now)
        if self.trouble.kind is Kind.UNREACHABLE and not self._answers:  # there is nobody
            patience = min(patience, _NOBODY_SECONDS)
        if silent > patience and (self._gate.probing or self.trouble.kind in WAIT):
            self._stop = ModelUnavailable(
                f"{self._names(self.trouble)}, and nothing else for {silent:.0f} s. What was answered is in the "
                "ledger: run again when the service is back."
            )
        return self._stop

    def _wait(self, failure: Failure, trouble: Trouble, now: float) -> float:
        if failure.kind is Kind.RATE_LIMITED:
            return self._gate.refused(failure.limits, now) * random.uniform(1, 1.2)
        trouble.tries += failure.kind in RETRY and not self._gate.probing
        trouble.waits += 1
        self._gate.failed(now)
        backoff = min(_LONGEST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(10, trouble.waits))
        return max(failure.limits.retry_after_seconds or 0.0, backoff * random.uniform(0.5, 1))

    def _count_invalid(self, failure: Failure) -> None:
        self._in_a_row += failure.kind in {Kind.INVALID, Kind.FORBIDDEN}
        most = _IN_A_ROW if self._answers else _FROM_THE_START
        if self._in_a_row >= (1 if failure.kind is Kind.FORBIDDEN and not self._answers else most):
            self._stop = ModelUnavailable(
                f"{self._names(failure)}, {self._in_a_row} times with no answer between. Correct the teacher's "
                "settings, or what the key may use."
            )

    def _names(self, failure: Failure) -> str:
        return f"{self._service.whose} ({self._service.model}) answered: {failure.words}"
