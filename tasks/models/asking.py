"""The one way to ask a model: what the ledger knows is not asked again, what is asked is recorded before use."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from tasks.errors import StoreError, Waiting
from tasks.models.account import Account, Budget
from tasks.models.batches.asking import Batching
from tasks.models.ledger import Ledger
from tasks.models.live.dispatcher import Dispatcher, Wanted
from tasks.models.live.service import Service
from tasks.models.recorded import Recorded
from tasks.models.request import Answer, Batched, Request, failure, request_key
from tasks.progress import Progress

Given = TypeVar("Given")

_AT_ONCE = 500
_LOOK_SECONDS = 60.0


class Question(NamedTuple):
    """A request, and the row on whose behalf it is asked."""

    row: str
    request: Request


class Asked:
    """Answers in the order of their questions, read from the ledger as they are needed; how many were asked for.

    `keys` are those that the answers have in the ledger, a question each.
    """

    def __init__(self, ledger: Ledger, keys: Sequence[str], failed: dict[str, Answer], asked: int) -> None:
        self._ledger, self.keys, self.failed, self.asked = ledger, keys, failed, asked

    def __len__(self) -> int:
        """How many questions there were."""
        return len(self.keys)

    @property
    def failures(self) -> int:
        """How many questions have no answer but an error."""
        return sum(key in self.failed for key in self.keys)

    def answers(self) -> Iterator[Answer]:
        """Each question's answer; one that failed has an error."""
        for start in range(0, len(self.keys), _AT_ONCE):
            keys = self.keys[start : start + _AT_ONCE]
            known = self._ledger.find(keys)
            yield from (known[key] if key in known else self.failed[key] for key in keys)


def together(asks: Iterable[Callable[[], Given]]) -> list[Given]:
    """What each gives; where some wait for a service, all are begun before the first of them is waited for."""
    given: list[Given] = []
    waiting: list[Waiting] = []
    for ask in asks:
        try:
            given.append(ask())
        except Waiting as each:
            waiting.append(each)
    if waiting:
        soonest = min(each.seconds for each in waiting)
        raise Waiting("; ".join(dict.fromkeys(map(str, waiting))), soonest)
    return given


class Hand:
    """Who asks: a stage of a run, with the ledger and what may be spent.

    `failed` counts the requests, to whichever model, that failed in a way that may pass.
    """

    def __init__(self, stage: str, budget: Budget, ledger: Ledger | None = None) -> None:
        self.stage, self.budget, self.ledger = stage, budget, ledger or Ledger()
        self.failed = 0

    def ask(self, model: Batched | Service, questions: Iterable[Question], total: int, label: str = "") -> Asked:
        """Ask a model what the ledger does not know; equal requests are asked once.

        Raises `BudgetSpent` where the next request could cost more than is left, `ModelUnavailable` where the service
        cannot be asked, `StoreError` where the ledger cannot be used, `Waiting` while batches have what is wanted; what
        was answered until then is recorded.
        """
        progress = Progress(label or self.stage, total)
        identity = model.identity()
        keys: list[str] = []
        missing = self._missing(model, questions, keys, progress)
        if isinstance(model, Service):
            asked, failed = self._ask_service(model, missing, keys, progress)
        else:
            asked, failed = self._ask_batched(model, str(identity["provider"]), list(missing), progress)
        self.failed += sum(failure(answer.error) == "failed" for answer in failed.values())
        return Asked(self.ledger, keys, failed, asked)

    def _missing(
        self, model: Batched | Service, questions: Iterable[Question], keys: list[str], progress: Progress
    ) -> Iterator[Wanted]:
        """What is not known, each key once; `keys` gets every question's, in order."""
        identity = model.identity()
        remaining = iter(questions)
        seen: set[str] = set()
        while chunk := list(islice(remaining, _AT_ONCE)):
            wanted = [Wanted(request_key(identity, question.request), question.request) for question in chunk]
            self.ledger.use(
                self.budget.project, ((question.row, each.key) for question, each in zip(chunk, wanted, strict=True))
            )
            known = self._known(model, wanted)
            for each in wanted:
                keys.append(each.key)
                if each.key in known or each.key in seen:
                    progress.advance(1)
                else:
                    seen.add(each.key)
                    yield each

    def _known(self, model: Batched | Service, wanted: Sequence[Wanted]) -> set[str]:
        keys = [each.key for each in wanted]
        if not isinstance(model, Recorded):
            return self.ledger.known(keys)
        found = self.ledger.find(keys)  # its file may have been edited since, and it says what the model said
        return {key for key, request in wanted if key in found and model.still_says(request, found[key])}

    def _ask_service(
        self, service: Service, missing: Iterable[Wanted], keys: Sequence[str], progress: Progress
    ) -> tuple[int, dict[str, Answer]]:
        if self.budget.caps():
            service.check_priced()
        batching = Batching(service, self.ledger, self.budget, self.stage)
        batching.harvest()  # before it is known what is missing
        if service.mode == "live":
            return self._ask_live(service, missing, progress)
        few = batching.ask(missing)
        failed = self._ask_live(service, few, progress)[1] if few else {}
        return batching.hand_over(keys), batching.failed | failed

    def _ask_live(
        self, service: Service, missing: Iterable[Wanted], progress: Progress
    ) -> tuple[int, dict[str, Answer]]:
        account = Account(self.ledger, self.budget, self.stage, service.listed_as)
        dispatcher = Dispatcher(service, account, progress)
        try:
            dispatcher.run(missing)
        finally:
            if dispatcher.settled:
                with contextlib.suppress(StoreError):  # it failed before, then: that must not be hidden
                    account.close()
            else:
                account.abandon()
        if dispatcher.batched:
            raise Waiting(f"{dispatcher.batched:,} requests are in batches that are not over", _LOOK_SECONDS)
        return dispatcher.answered + len(dispatcher.failed), dispatcher.failed

    def _ask_batched(
        self, model: Batched, provider: str, missing: Sequence[Wanted], progress: Progress
    ) -> tuple[int, dict[str, Answer]]:
        failed: dict[str, Answer] = {}
        for batch in model.answer([each.request for each in missing]):
            answered = {missing[position].key: answer for position, answer in batch}
            self.ledger.record(provider, answered.items(), replace=isinstance(model, Recorded))
            failed |= {key: answer for key, answer in answered.items() if answer.error}
            progress.advance(len(answered))
        return len(missing), failed
