"""Asking by batches: harvest what is over, submit what is missing, and wait without a thread."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from tasks.errors import BudgetSpent, ModelUnavailable, Waiting
from tasks.models.account import Account, Budget
from tasks.models.batches.filling import Upcoming
from tasks.models.batches.harvest import Harvest, most_rows
from tasks.models.batches.records import Batch, Records, State
from tasks.models.batches.remote import Remote, Unserved
from tasks.models.batches.submission import Submission
from tasks.models.ledger import Ledger
from tasks.models.live.dispatcher import Wanted
from tasks.models.live.failures import ENDED, RETRY, STOP, WAIT, Kind, advice
from tasks.models.live.service import Service
from tasks.models.prices import dollars
from tasks.models.request import Answer

_AT_ONCE = 500
_FEW = 20
_TRIES, _TRIES_WHERE_LOST = 3, 2
_AGAIN = WAIT | RETRY | ENDED | {Kind.NO_CREDIT, Kind.UNAUTHORISED}
_SOONEST_SECONDS, _LATEST_SECONDS, _SHARE_OF_AGE = 60.0, 600.0, 1 / 6
_DAY_SECONDS = 86_400.0


class Batching:
    """A stage's hand on the batches of one service. `failed` has what was tried and got no answer, by key.

    `later` says what the service did not do now, and is asked for again.
    """

    def __init__(self, service: Service, ledger: Ledger, budget: Budget, stage: str) -> None:
        self._service, self._ledger, self._budget, self._stage = service, ledger, budget, stage
        self._records = Records(ledger.database)
        self._waiting_for, self.later = 0, list[str]()
        self._few: list[Wanted] = []
        self.failed: dict[str, Answer] = {}

    def harvest(self) -> list[Batch]:
        """Take in what is over; the project's batches that are not. Raises `ModelUnavailable` as the service does."""
        self.later.clear()
        out = self._out()
        if not out:
            return []
        self._service.check()
        with closing(self._service.batches()) as remote:
            return self._harvest(out, remote)

    def _harvest(self, out: list[Batch], remote: Remote) -> list[Batch]:
        submission = Submission(remote, self._ledger, self._budget, self._stage)
        harvest = Harvest(remote, self._ledger)
        left: list[Batch] = []
        for batch in out:
            try:
                if batch.state != State.OUT and not batch.being_made:
                    batch = submission.recover(batch)
                if batch.state == State.OUT:
                    batch = harvest.take(batch, alone=len(out) == 1)
            except Unserved as error:
                words, kind = f"{batch.service} cannot be asked about batch {batch.remote}: {error}", error.failure.kind
                if kind in STOP:
                    then = f"{advice(kind, self._service.key_name)}, and run again: what it answers is not lost"
                    raise ModelUnavailable(f"{words}. {then}.") from error
                self.later.append(words)
            left += [batch] if batch.state in (State.FILLING, State.CREATING, State.OUT) else []
        return left

    def cancel(self) -> None:
        """Have every batch of the project's stopped; those that are over by now stay as they are.

        Raises `ModelUnavailable` where the service does not take that now.
        """
        out = [batch for batch in self._out() if batch.state == State.OUT]
        if out:
            self._service.check()
        with closing(self._service.batches()) as remote:
            for batch in out:
                try:
                    remote.cancel(batch.remote)
                except Unserved as error:
                    if error.failure.kind in WAIT | RETRY:
                        words = f"{batch.service} was not told to cancel batch {batch.remote}: {error}"
                        raise ModelUnavailable(f"{words}. The batch goes on: cancel again later.") from error

    def ask(self, missing: Iterable[Wanted]) -> list[Wanted]:
        """Submit what is missing, and return once no batch has any of it: the few that are better asked live.

        Raises `Waiting` while batches are out, `BudgetSpent` where nothing is and no request fits the budget.
        """
        self._service.check()
        with closing(self._service.batches()) as remote:
            return self._ask(remote, missing)

    def _ask(self, remote: Remote, missing: Iterable[Wanted]) -> list[Wanted]:
        upcoming = Upcoming(remote, self._to_submit(missing))
        spent_out = self._submit(remote, upcoming)
        if self._waiting_for or self.later or spent_out or upcoming.more():
            if out := self._out():
                raise self._wait(out, spent_out)
            if self._waiting_for or self.later:
                raise Waiting("; ".join([*self.later, *self._elsewhere()]), _SOONEST_SECONDS)
            raise self._spent_out(upcoming)
        self.failed |= {key: Answer(error=f"{each.kind}: {each.words}") for key, each in upcoming.too_large.items()}
        return self._few

    def hand_over(self, keys: Sequence[str]) -> int:
        """All that was wanted is there, or failed; how many of it came back from batches."""
        parts = (keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE))
        return sum(self._records.hand_over(part, self._budget.run) for part in parts)

    def _submit(self, remote: Remote, upcoming: Upcoming) -> bool:
        """Submit as much as can be now; whether the money ran out."""
        crowded = self._records.crowded(self._service, time.time() - _DAY_SECONDS)
        submission = Submission(remote, self._ledger, self._budget, self._stage)
        while upcoming.more() and not (crowded and self._out()):  # where the queue was full, one at a time
            done = submission.submit(upcoming, most_rows(crowded, remote.most_rows))
            self._waiting_for += done.in_hand
            self.later += [done.later] if done.later else []
            if done.spent_out or done.later:
                return done.spent_out
        return False

    def _to_submit(self, missing: Iterable[Wanted]) -> Iterator[Wanted]:
        """What no batch has in hand and no further try is lost on; the last few that are tried again stay behind."""
        remaining = iter(missing)
        while some := list(islice(remaining, _AT_ONCE)):
            keys = [each.key for each in some]
            waiting, back = self._records.waiting_for(keys), self._records.came_back(keys, self._budget.run)
            self._waiting_for += len(waiting)
            for each in some:
                error, tries = back.get(each.key, ("", 0))
                if each.key in waiting:
                    continue
                if not error:
                    yield each
                elif not _worth_trying(error, tries):
                    self.failed[each.key] = Answer(error=error)
                elif len(self._few) < _FEW:
                    self._few.append(each)
                else:
                    yield each
        if len(self._few) == _FEW:
            few, self._few = self._few, []
            yield from few

    def _out(self) -> list[Batch]:
        return self._records.open(self._budget.project, self._service)

    def _wait(self, out: list[Batch], spent_out: bool) -> Waiting:
        oldest, rows = out[0], sum(batch.rows for batch in out)
        words = [
            f"{len(out)} {'batch' if len(out) == 1 else 'batches'} with {rows:,} requests to {oldest.service} "
            f"({oldest.model}) {'is' if len(out) == 1 else 'are'} out, {sum(batch.done for batch in out):,} done, the "
            f"oldest for {oldest.age_seconds / 60:.0f} min"
        ]
        if spent_out:
            words.append("what does not fit the budget beside them is asked when they are over")
        seconds = oldest.age_seconds * _SHARE_OF_AGE
        return Waiting("; ".join([*words, *self.later]), min(_LATEST_SECONDS, max(_SOONEST_SECONDS, seconds)))

    def _elsewhere(self) -> list[str]:
        return [f"{self._waiting_for:,} requests are asked by others"] if self._waiting_for else []

    def _spent_out(self, upcoming: Upcoming) -> BudgetSpent:
        worst: list[int] = []
        while line := upcoming.next():
            request = line.wanted.request
            worst.append(self._service.batch_prices.worst(request, self._service.longest_output(request)))
        account = Account(self._ledger, self._budget, self._stage, self._service.listed_as)
        described = account.describe()
        account.close()
        return BudgetSpent(
            f"{described}, and the next request can cost {dollars(worst[0])} in a batch; {len(worst)} requests are "
            f"left, and would cost at most {dollars(sum(worst))}. What was answered is in the ledger. Raise the budget "
            "and run again: nothing is bought twice."
        )


def _worth_trying(error: str, tries: int) -> bool:
    """Whether a request that came back with this error is tried again."""
    kind = Kind(error.partition(":")[0])
    return kind in _AGAIN and tries < (_TRIES_WHERE_LOST if kind is Kind.LOST else _TRIES)
