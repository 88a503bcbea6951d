"""What is shown while a service is asked: rows, tokens a second, dollars, errors by kind, time left."""

import time
from collections import Counter

from tasks.models.live.failures import Kind
from tasks.models.prices import dollars
from tasks.models.request import Answer
from tasks.progress import Progress


class Meter:
    """Counts what comes back, and says it beside the bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._began = progress, time.monotonic()
        self.answers, self.nanodollars, self._tokens = 0, 0, 0
        self._errors: Counter[Kind] = Counter()

    def answer(self, answer: Answer) -> None:
        """Count an answer."""
        self.answers += 1
        self.nanodollars += answer.nanodollars or 0
        self._tokens += answer.input_tokens + answer.output_tokens

    def error(self, kind: Kind) -> None:
        """Count a try that gave none."""
        self._errors[kind] += 1

    def advance(self, rows: int, in_flight: int) -> None:
        """Say that so many rows more are done."""
        self._progress.advance(rows, self._note(rows, in_flight))

    @property
    def mean_nanodollars(self) -> float:
        """What an answer cost on average."""
        return self.nanodollars / self.answers if self.answers else 0.0

    def _note(self, rows: int, in_flight: int) -> str:
        seconds = max(0.001, time.monotonic() - self._began)
        left = self._progress.total - self._progress.done - rows
        parts = [f"{in_flight} in flight", f"{self._tokens / seconds:,.0f} tokens/s"]
        if self.nanodollars:
            projected = self.nanodollars + left * self.mean_nanodollars
            parts.append(f"{dollars(self.nanodollars)} of about {dollars(round(projected))}")
        if self.answers and left > 0:
            parts.append(f"{left / (self.answers / seconds):,.0f} s left")
        return ", ".join(parts + [f"{count} {kind}" for kind, count in self._errors.most_common()])
