"""Batches on their way back: looked at, and taken in as far as they are answered, once each."""

import json
import logging
from collections.abc import Iterator
from itertools import islice

from tasks.errors import ModelUnavailable
from tasks.models.batches.account import BatchAccount, Taken
from tasks.models.batches.openai import CROWDED
from tasks.models.batches.records import Batch, Records, State
from tasks.models.batches.remote import Look, Remote, Result, Unserved
from tasks.models.batches.submission import refused
from tasks.models.ledger import Ledger
from tasks.models.live.failures import STOP, Failure, Kind, advice

logger = logging.getLogger("stillhouse")

_AT_ONCE = 500
_ALONE = "alone"
_FROM_THE_START = 10
_UNKNOWN = 404


class Harvest:
    """Looks at batches of one service, and takes in what is over."""

    def __init__(self, remote: Remote, ledger: Ledger) -> None:
        self._remote, self._ledger, self._records = remote, ledger, Records(ledger.database)

    def take(self, batch: Batch, alone: bool) -> Batch:
        """A batch after a look at it, with everything that it gave in the ledger once it is over.

        `alone` says that none other of the project's is out. Raises `ModelUnavailable` where it shows that no request
        can be answered, `Unserved` where the service cannot be asked.
        """
        account = BatchAccount(self._ledger, batch, self._remote.service)
        try:
            return self._take(batch, account, alone)
        except Unserved as error:
            if error.status != _UNKNOWN:
                raise
            return self._forgotten(batch, account)

    def _take(self, batch: Batch, account: BatchAccount, alone: bool) -> Batch:
        look = self._remote.look(batch.remote)
        if not look.over:
            return self._records.change(batch, said=look.state, done=look.done)
        if look.problem is not None:
            return self._refused(batch, account, look.problem, alone)
        taken = self._take_results(account, look)
        lost = account.give_up(self._rest(look, taken))
        batch = self._records.change(batch, state=State.OVER, said=look.state, done=look.done)
        self._say(batch, taken, lost)
        self._refuse_hopeless(batch, taken)
        return batch

    def _take_results(self, account: BatchAccount, look: Look) -> Taken:
        taken, results = Taken(), self._results(look)
        while some := list(islice(results, _AT_ONCE)):
            taken = taken.plus(account.take(some))
        return taken

    def _results(self, look: Look) -> Iterator[Result]:
        """What can be read; a line that is broken is as one that is missing."""
        for line in self._remote.lines(look):
            try:
                yield self._remote.read(json.loads(line))
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                logger.warning("a line of a batch's results cannot be read: %r", line[:200])

    def _rest(self, look: Look, taken: Taken) -> Failure:
        """What became of the requests that the results say nothing of; who may have been answered may be billed."""
        if look.ended is None or taken.answered < look.answered:
            return Failure(Kind.LOST, f"the results of its batch, which is {look.state}, hold nothing of it")
        return Failure(look.ended, "its batch ended before it was reached")

    def _forgotten(self, batch: Batch, account: BatchAccount) -> Batch:
        lost = account.give_up(Failure(Kind.LOST, "the service knows its batch, or what it answered, no more"))
        logger.warning(
            "%s knows batch %s or its results no more: its %d requests may be billed, count as spent, are asked again",
            *(batch.service, batch.remote, lost),
        )
        return self._records.change(batch, state=State.OVER, said="forgotten")

    def _refused(self, batch: Batch, account: BatchAccount, problem: Failure, alone: bool) -> Batch:
        account.let_go()
        if CROWDED in problem.words and (batch.rows > 1 or not alone):
            logger.info("%s takes no more now, and is asked later: %s", batch.service, problem.words)
            return self._records.change(batch, state=State.CROWDED, said=_ALONE if alone else problem.words)
        self._records.change(batch, state=State.OVER, said=problem.words)
        raise refused(self._remote, batch, problem)

    def _say(self, batch: Batch, taken: Taken, lost: int) -> None:
        logger.info(
            "batch %s of %s is %s: %d answered, %d failed, %d left out%s",
            *(batch.remote, batch.service, batch.said, taken.answered, taken.failed, lost),
            f", {taken.strangers} results for requests that were never in it" if taken.strangers else "",
        )

    def _refuse_hopeless(self, batch: Batch, taken: Taken) -> None:
        """Raises `ModelUnavailable` where nothing was answered, for a reason that every other request has, too."""
        first = taken.first
        if taken.answered or first is None:
            return
        many = taken.failed >= _FROM_THE_START and first.kind in {Kind.INVALID, Kind.FORBIDDEN}
        if first.kind in STOP or many:
            self._records.ask_again(batch)
            then = advice(first.kind, self._remote.service.key_name) if first.kind in STOP else "Correct its settings"
            raise ModelUnavailable(
                f"{batch.service} ({batch.model}) answered none of the {taken.failed:,} requests of batch "
                f"{batch.remote}, which is {batch.said}; the first error: {first.words}. {then}, and run again."
            )


def most_rows(crowded: list[Batch], most: int) -> int:
    """How large a batch may be after what was refused though nothing else of the project's was waiting."""
    return max(1, min([batch.rows // 2 for batch in crowded if batch.said == _ALONE], default=most))
