"""Batches on their way out: claimed, written, recorded, submitted once; what a dead process left is found again."""

import tempfile
import time
from typing import IO, NamedTuple

from tasks.errors import ModelUnavailable
from tasks.models.account import Budget
from tasks.models.batches.account import BatchAccount
from tasks.models.batches.filling import Filling, Upcoming
from tasks.models.batches.records import Batch, Records, State
from tasks.models.batches.remote import Remote, Unserved
from tasks.models.ledger import Ledger
from tasks.models.live.failures import RETRY, STOP, WAIT, Failure, advice

_SHOWS_SECONDS = 60.0


class Submitted(NamedTuple):
    """What came of filling a batch: how many requests somebody has in hand by now, and whether the money ran out.

    `later` says why nothing more is to be submitted now.
    """

    in_hand: int
    spent_out: bool
    later: str = ""


class Submission:
    """Submits batches for a stage of a run."""

    def __init__(self, remote: Remote, ledger: Ledger, budget: Budget, stage: str) -> None:
        self._remote, self._ledger, self._budget, self._stage = remote, ledger, budget, stage
        self._records = Records(ledger.database)

    def submit(self, upcoming: Upcoming, most_rows: int) -> Submitted:
        """Submit one batch of what comes next. Raises `ModelUnavailable` where the service takes none."""
        batch = self._records.begin(self._remote.service, self._budget, self._stage)
        try:
            with tempfile.TemporaryFile() as file:
                filling = Filling(self._remote, file, most_rows)
                filled = self._fill(batch, filling, upcoming)
                filling.close()
                batch = self._records.change(batch, rows=filling.rows, bytes=filling.bytes)
                if not filling.rows:
                    self._records.change(batch, state=State.OVER)
                    return filled
                return filled._replace(later=self._send(batch, file))
        finally:
            self._records.let_be(batch)

    def recover(self, batch: Batch) -> Batch:
        """Bring a batch whose process is gone to where it stands: it was submitted, or it never was."""
        account = BatchAccount(self._ledger, batch, self._remote.service)
        if batch.state == State.CREATING:
            found = self._remote.find(batch, lambda key: self._records.holds(batch, key))
            if found.remote:
                return self._records.change(batch, state=State.OUT, remote=found.remote)
            if found.unsure or time.time() - batch.changed_at < _SHOWS_SECONDS:
                return batch
        account.let_go()
        return self._records.change(batch, state=State.OVER, said="never submitted")

    def _fill(self, batch: Batch, filling: Filling, upcoming: Upcoming) -> Submitted:
        account = BatchAccount(self._ledger, batch, self._remote.service, self._budget)
        elsewhere, service = 0, self._remote.service
        while lines := filling.fitting(upcoming):
            requests = {line.wanted.key: line.wanted.request for line in lines}
            costs = {
                key: service.batch_prices.worst(request, service.longest_output(request))
                for key, request in requests.items()
            }
            granted = account.step(wanted=costs)
            claimed = set(granted.claimed)
            for line in lines:
                if line.wanted.key in claimed:
                    filling.add(line)
            elsewhere += len(granted.elsewhere) + len(granted.batched)
            if granted.spent_out:
                gone = claimed | granted.known.keys() | {*granted.elsewhere, *granted.batched}
                upcoming.put_back([line for line in lines if line.wanted.key not in gone])
                return Submitted(filling.rows + elsewhere, True)
        return Submitted(filling.rows + elsewhere, False)

    def _send(self, batch: Batch, file: IO[bytes]) -> str:
        """Submit what is written; why nothing more should be now, empty where it went well."""
        reached = [batch]

        def creating() -> None:
            reached.append(self._records.change(batch, state=State.CREATING))

        try:
            remote = self._remote.create(file, batch, creating)
        except Unserved as error:
            return self._unsent(reached[-1], error)
        self._records.change(reached[-1], state=State.OUT, remote=remote, said="submitted")
        return ""

    def _unsent(self, batch: Batch, error: Unserved) -> str:
        """What follows where a batch was not submitted, or nobody knows whether it was."""
        kind, service = error.failure.kind, self._remote.service
        if batch.state == State.CREATING and kind in RETRY:
            return f"whether {service.whose} took it is not known yet ({error.failure.words})"
        BatchAccount(self._ledger, batch, service).let_go()
        self._records.change(batch, state=State.OVER, said=error.failure.words)
        if kind in WAIT or (kind in RETRY and error.status):
            return f"{service.whose} takes no batch now ({error.failure.words})"
        raise refused(self._remote, batch, error.failure)


def refused(remote: Remote, batch: Batch, failure: Failure) -> ModelUnavailable:
    """The error that a batch was refused as a whole."""
    service = remote.service
    then = advice(failure.kind, service.key_name) if failure.kind in STOP else "Mend that, or set mode: live"
    return ModelUnavailable(
        f"{service.whose} ({service.model}) refused a batch of {batch.rows:,} requests and {batch.bytes:,} bytes: "
        f"{failure.words}. Nothing of it was answered or billed. {then}, and run again."
    )
