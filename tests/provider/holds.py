"""Requests that are held back at a named moment, so that a test may do something in it, as kill the client."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from tests.provider.behaviour import Behaviour, Moment
from tests.provider.sleeps import Sleeps

LOOK_SECONDS = 0.02


class Holds:
    """Holds whoever comes to the moment that the behaviour names, until it names another or the client leaves."""

    def __init__(self, behaviour: Callable[[], Behaviour], sleeps: Sleeps) -> None:
        self._behaviour, self._sleeps = behaviour, sleeps
        self.holding = 0

    async def at(self, moment: Moment, request: web.Request) -> None:
        """Return when the moment is over."""
        self.holding += 1
        try:
            while self._behaviour().hold == moment and request.transport and not self._sleeps.over:
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self.holding -= 1

    async def in_halves(self, request: web.Request, content: bytes) -> web.StreamResponse:
        """Send content, its second half when the moment `results` is over."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(content[: len(content) // 2])
        await self.at("results", request)
        await response.write(content[len(content) // 2 :])
        return response
