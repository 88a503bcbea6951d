"""What a long piece of work says of itself while it runs: log records that a terminal may draw as a bar."""

import logging
import time

logger = logging.getLogger("stillhouse.progress")


class Progress:
    """Counts work done, and reports it at most ten times a second as a log record with `stage`, `done` and `total`."""

    def __init__(self, stage: str, total: int, unit: str = "rows") -> None:
        self.stage, self.total, self.unit = stage, total, unit
        self.done = 0
        self._reported = 0.0
        self._report("")

    def advance(self, count: int, note: str = "") -> None:
        """Say that `count` more is done; the note is shown beside the bar."""
        self.done += count
        if self.done >= self.total or time.monotonic() - self._reported > 0.1:
            self._report(note)

    def _report(self, note: str) -> None:
        self._reported = time.monotonic()
        fields = {"stage": self.stage, "done": self.done, "total": self.total, "unit": self.unit, "note": note}
        logger.debug("%s: %s of %s %s %s", self.stage, self.done, self.total, self.unit, note, extra=fields)
