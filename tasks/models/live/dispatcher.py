"""The dispatcher: asks a service as fast as it bears, claims before it sends, records before anything is used.

Two loops share one state. The bookkeeper makes one transaction of all that came back and of the claims for what goes
out next, a little ahead of the sender, which sends what is claimed as the gate allows. Nothing is sent that is not
claimed, so what a killed process asks twice was in flight.
"""

import asyncio
import contextlib
import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from tasks.errors import BudgetSpent
from tasks.models.account import LEASE_SECONDS, Account, Attempt, Granted
from tasks.models.live.failures import BILLED, STOP, Failure, Kind
from tasks.models.live.meter import Meter
from tasks.models.live.pace import Gate
from tasks.models.live.patience import Patience, Trouble
from tasks.models.live.rescue import rescue
from tasks.models.live.service import Reply, Service
from tasks.models.live.signals import Stopped, heeding_signals
from tasks.models.prices import dollars
from tasks.models.request import Answer, Request
from tasks.progress import Progress

logger = logging.getLogger("stillhouse")

_BOOKS_SECONDS = 0.02
_LOOK_SECONDS = 0.5
_IDLE_SECONDS = 5.0
_AHEAD = 8


class Wanted(NamedTuple):
    """A request under its key."""

    key: str
    request: Request


class _Asking:
    """A request on its way: the most that it can cost, what it weighs, and what it has been through."""

    __slots__ = ("key", "request", "trouble", "weight", "worst")

    def __init__(self, service: Service, wanted: Wanted) -> None:
        self.key, self.request = wanted
        self.worst = service.prices.worst(self.request, service.longest_output(self.request))
        self.weight = service.weight(self.request)
        self.trouble = Trouble()


class Dispatcher:
    """Asks a service all that is wanted. What it answers is in the ledger; `failed` has what it did not, by key.

    `batched` counts what batches hold, which is not asked beside them.

    `settled` is True once nothing is in flight and all that came home is recorded.
    """

    def __init__(self, service: Service, account: Account, progress: Progress) -> None:
        self._service, self._account = service, account
        self._gate, self._meter = Gate(service.pace, time.monotonic()), Meter(progress)
        self._patience = Patience(service, self._gate)
        self._upcoming: deque[_Asking] = deque()
        self._ready: deque[_Asking] = deque()
        self._later: list[tuple[float, int, _Asking]] = []
        self._elsewhere: list[_Asking] = []
        self._flying: dict[asyncio.Task[Reply | Failure], _Asking] = {}
        self._answered: list[tuple[str, Answer]] = []
        self._tried: list[Attempt] = []
        self._released: list[str] = []
        self._recording, self._short_since = 0, 0.0
        self._numbers = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._why: BaseException | None = None
        self._over = False
        self.settled = False
        self.batched = 0
        self.failed: dict[str, Answer] = {}

    def run(self, wanted: Iterable[Wanted]) -> None:
        """Ask everything that is wanted. Raises what stopped it, once all that was in flight is recorded."""
        self._source = (_Asking(self._service, each) for each in wanted)
        problems: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(self._work())
            except BaseException as error:
                problems.append(error)

        thread = threading.Thread(target=work, name="dispatcher", daemon=True)
        with heeding_signals(self.stop):
            thread.start()
            thread.join()
        for problem in [*problems, self._why]:
            if problem is not None:
                raise problem

    @property
    def answered(self) -> int:
        """How many answers were bought."""
        return self._meter.answers

    def stop(self, why: BaseException) -> None:
        """Send nothing more; what is in flight is waited for and recorded. May be called from any thread."""
        if self._why is None:
            self._why = why
            if isinstance(why, Stopped):
                logger.warning("stopping: %d answers are waited for; once more abandons them", len(self._flying))
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended meanwhile
                self._loop.call_soon_threadsafe(self._wake)

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._books, self._sends = asyncio.Event(), asyncio.Event()
        self._wake()
        client = self._service.connect()
        with ThreadPoolExecutor(1, "ledger") as ledger:
            try:
                sender = asyncio.create_task(self._send_all(client))
                sender.add_done_callback(self._sender_ended)
                await self._keep_books(ledger)
                await sender
            finally:
                await client.close()

    def _sender_ended(self, sender: asyncio.Task[None]) -> None:
        if not sender.cancelled() and (error := sender.exception()) is not None:
            self.stop(error)

    def _wake(self) -> None:
        self._books.set()
        self._sends.set()

    async def _keep_books(self, ledger: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while not self._over:
            await _until(self._books, self._books_wait())
            self._stop_if_hopeless()
            if self._why is not None:
                self._give_back()
            wanted = await self._to_claim(ledger)
            answered, tried, released = self._answered, self._tried, self._released
            self._recording = len(answered)
            self._answered, self._tried, self._released = [], [], []
            costs = {asking.key: asking.worst for asking in wanted}
            granted = Granted([], {}, [], False)
            try:
                granted = await loop.run_in_executor(ledger, self._account.step, answered, tried, released, costs)
            except Exception as error:
                self._lose_ledger(error, answered, wanted)
            else:
                self._take(granted, wanted, len(answered))
            self._recording = 0
            self._over = self._finished(granted)
            self._sends.set()
            await asyncio.sleep(0 if self._over else _BOOKS_SECONDS)
        self.settled = True

    def _books_wait(self) -> float:
        return _LOOK_SECONDS if self._elsewhere or self._patience.trouble or self._short_since else _IDLE_SECONDS

    async def _to_claim(self, ledger: ThreadPoolExecutor) -> list[_Asking]:
        """What is to be claimed now: enough to fill the width, and a little ahead; then what others were asking."""
        if self._why is not None:
            return []
        width = self._gate.width(time.monotonic())
        ahead = max(_AHEAD, width // 8)
        room = width + ahead - len(self._flying) - len(self._ready) - len(self._later)
        more = max(0, room - len(self._upcoming))
        try:
            if more:
                self._upcoming.extend(await asyncio.get_running_loop().run_in_executor(ledger, self._read, more))
        except Exception as error:  # what is in flight comes home first
            self.stop(error)
            return []
        wanted = [self._upcoming.popleft() for _ in range(min(max(0, room), len(self._upcoming)))]
        if not wanted and room > 0:
            wanted, self._elsewhere = self._elsewhere[:room], self._elsewhere[room:]
        return wanted

    def _read(self, count: int) -> list[_Asking]:
        return list(itertools.islice(self._source, count))

    def _take(self, granted: Granted, wanted: list[_Asking], recorded: int) -> None:
        self._short_since = 0.0 if granted.claimed else self._short_since
        claimed, known, elsewhere = set(granted.claimed), granted.known, set(granted.elsewhere)
        self._ready.extend(asking for asking in wanted if asking.key in claimed)
        self._elsewhere.extend(asking for asking in wanted if asking.key in elsewhere)
        batched = set(granted.batched)
        self.batched += len(batched)
        left = [asking for asking in wanted if asking.key not in claimed | known.keys() | elsewhere | batched]
        self._upcoming.extendleft(reversed(left))
        if granted.known or batched:
            self._books.set()
        try:
            self._meter.advance(recorded + len(granted.known), len(self._flying))
        except Exception as error:  # whoever shows it cannot: nothing that was recorded is lost by that
            self.stop(error)

    def _finished(self, granted: Granted) -> bool:
        """Whether nothing is left to do, or nothing can be; money that is still reserved may come back."""
        outstanding = self._flying or self._answered or self._tried or self._released
        if self._why is not None:
            return not outstanding
        if outstanding or self._ready or self._later or granted.known:
            return False
        try:
            if granted.spent_out and not self._others_may_give_back():
                self._why = self._spent_out()
        except Exception as error:
            self._why = error
        return self._why is not None or not (self._upcoming or self._elsewhere)

    def _others_may_give_back(self) -> bool:
        """Whether other runs hold money that may be free soon; they are waited for as long as a lease."""
        self._short_since = self._short_since or time.monotonic()
        waited = time.monotonic() - self._short_since
        return waited < LEASE_SECONDS and self._account.reserved_by_others() > 0

    def _give_back(self) -> None:
        """What is claimed and not in flight is not asked any more."""
        self._released.extend(asking.key for asking in self._ready)
        self._upcoming.extendleft(reversed(self._ready))
        self._upcoming.extend(asking for _, _, asking in self._later)
        self._ready.clear()
        self._later.clear()
        self._elsewhere.clear()

    def _lose_ledger(self, error: Exception, answered: list[tuple[str, Answer]], wanted: list[_Asking]) -> None:
        """Stop, and keep what was paid for: in memory while more comes home, then in a file."""
        self._upcoming.extendleft(reversed(wanted))
        self._why = self._why or error
        self._answered = answered + self._answered
        if self._answered and not self._flying:
            self._why = rescue(self._answered, self._service.listed_as, error)
            self._answered = []

    def _spent_out(self) -> BudgetSpent:
        left = [*self._upcoming, *self._source]
        worst, mean = sum(asking.worst for asking in left), self._meter.mean_nanodollars
        likely = f"about {dollars(round(mean * len(left)))}, " if mean else ""
        caps = f"{self._account.describe()}, and the next request can cost {dollars(left[0].worst)}"
        return BudgetSpent(
            f"{caps}; {len(left)} requests are left, and would cost {likely}at most {dollars(worst)}. What was "
            "answered is in the ledger. Raise the budget and run again: nothing is bought twice."
        )

    async def _send_all(self, client: Any) -> None:
        while not self._over:
            wait = self._send_some(client)
            await _until(self._sends, wait)

    def _send_some(self, client: Any) -> float:
        """Send what is claimed as far as the gate allows; the seconds until it may allow more."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._upcoming.appendleft(heapq.heappop(self._later)[2])
            self._books.set()
        while self._ready and self._why is None:
            wait = self._gate.wait(self._ready[0].weight, self._at_stake, now)
            if wait is None:
                return _IDLE_SECONDS
            if wait > 0:
                return wait
            self._launch(client, self._ready.popleft())
            self._books.set()  # more may be claimed
        return max(0.001, self._later[0][0] - now) if self._later else _IDLE_SECONDS

    @property
    def _at_stake(self) -> int:
        """Requests that would be asked again if the process died now: in flight, or answered and not yet recorded."""
        return len(self._flying) + len(self._answered) + self._recording

    def _launch(self, client: Any, asking: _Asking) -> None:
        self._gate.send(asking.weight)
        task = asyncio.create_task(self._send(client, asking.request))
        self._flying[task] = asking
        task.add_done_callback(self._land)

    async def _send(self, client: Any, request: Request) -> Reply | Failure:
        seconds = self._service.pace.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._service.send(client, request)
        except TimeoutError:
            return Failure(Kind.TIMED_OUT, f"no answer within {seconds:g} s")

    def _land(self, task: asyncio.Task[Reply | Failure]) -> None:
        asking, now = self._flying.pop(task), time.monotonic()
        try:
            outcome = task.result()
        except Exception as error:  # a fault of ours in one row must not lose the others
            outcome = Failure(Kind.UNREADABLE, f"{type(error).__name__} here, not at the service")
        if isinstance(outcome, Reply):
            self._patience.answered(now)
            self._gate.answered(outcome.answer.seconds, outcome.limits, now)
            self._keep(asking, outcome.answer)
        elif outcome.kind is Kind.REFUSED:  # an answer of its kind: kept, counted, and never asked again
            self._keep(asking, Answer(finish_reason="content_filter", model=self._service.model))
        else:
            self._fail(asking, outcome)
        self._wake()

    def _keep(self, asking: _Asking, answer: Answer) -> None:
        if asking.worst and answer.text and not answer.input_tokens + answer.output_tokens:
            answer = answer.model_copy(update={"nanodollars": asking.worst})  # it did not say what it billed
        self._meter.answer(answer)
        self._answered.append((asking.key, answer))

    def _fail(self, asking: _Asking, failure: Failure) -> None:
        now = time.monotonic()
        self._meter.error(failure.kind)
        billed = asking.worst if failure.kind in BILLED else 0
        self._tried.append(Attempt(asking.key, failure.kind, failure.words, billed))
        self._released.append(asking.key)  # claimed anew where it is tried again
        again = self._patience.after(failure, asking.trouble, now)
        if again is not None:
            heapq.heappush(self._later, (now + again, next(self._numbers), asking))
        elif failure.kind not in STOP:  # an answer with an error; the ledger has nothing of it but its tries
            self.failed[asking.key] = Answer(error=f"{failure.kind}: {failure.words}")
            self._meter.advance(1, len(self._flying))
        self._stop_if_hopeless()

    def _stop_if_hopeless(self) -> None:
        why = self._patience.hopeless(time.monotonic())
        if why is not None:
            self.stop(why)


async def _until(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or for some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()
