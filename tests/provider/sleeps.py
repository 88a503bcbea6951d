"""Sleeps that can all be ended early, so that a provider with requests in flight closes at once."""

import asyncio


class Sleeps:
    """Whoever sleeps here is woken when all are, and from then on nobody falls asleep."""

    def __init__(self) -> None:
        self._sleepers: set[asyncio.Future[None]] = set()
        self.over = False

    async def sleep(self, seconds: float) -> None:
        """Sleep so long, or less."""
        if not seconds or self.over:
            return
        loop = asyncio.get_running_loop()
        sleeper = loop.create_future()
        timer = loop.call_later(seconds, _wake, sleeper)
        self._sleepers.add(sleeper)
        try:
            await sleeper
        finally:
            timer.cancel()
            self._sleepers.discard(sleeper)

    def wake_all(self) -> None:
        """End every sleep, now and for good."""
        self.over = True
        for sleeper in self._sleepers:
            _wake(sleeper)


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
