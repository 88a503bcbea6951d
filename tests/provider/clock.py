"""The provider's clock, which a test moves: hours of a batch pass at once."""

import time


class Clock:
    """The time of day, ahead of the real one by what it was moved."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead_seconds

    def move(self, seconds: float) -> None:
        """Let so much time pass."""
        self.ahead_seconds += seconds
