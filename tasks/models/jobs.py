"""Trainings at services, as the ledger remembers them: what is asked for is written down before it is asked."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from tasks.errors import BudgetSpent, Waiting
from tasks.models.account import Budget, move, open_sums, room
from tasks.models.ledger import Ledger, storable
from tasks.models.prices import dollars
from tasks.models.tables import JOBS
from tasks.processes import host, surely_dead

State = Literal["begun", "creating", "at work", "done", "failed", "cancelled"]
OVER: tuple[State, ...] = ("done", "failed", "cancelled")

_HELD_SECONDS = 7200.0  # two files may be long on their way; whoever dies on this host is found at once
_AGAIN_SECONDS = 30.0


class Job(NamedTuple):
    """A training at a service. Amounts are nanodollars; `spent` is None where nobody says, or while it is not over."""

    fingerprint: str
    project: str
    run: str
    trainer: str
    base: str
    file: str
    validation: str
    job: str
    state: State
    words: str
    reserved: int
    spent: int | None
    created_at: float
    changed_at: float


_JOB = sa.select(*(JOBS.c[name] for name in Job._fields))


class Jobs:
    """The ledger's trainings. Raises `StoreError` where the ledger cannot be used."""

    def __init__(self, ledger: Ledger) -> None:
        self._database = ledger.database

    def find(self, fingerprint: str) -> Job | None:
        """The training with this fingerprint, if it was ever begun."""
        with self._database.read() as connection:
            row = connection.execute(_JOB.where(JOBS.c.fingerprint == fingerprint)).one_or_none()
        return Job(*row) if row else None

    def of(self, project: str | None = None) -> list[Job]:
        """The trainings of a project, or of all, the oldest first."""
        wanted = _JOB if project is None else _JOB.where(JOBS.c.project == project)
        with self._database.read() as connection:
            return [Job(*row) for row in connection.execute(wanted.order_by(JOBS.c.created_at))]

    def begin(self, fingerprint: str, trainer: str, base: str, budget: Budget, most: int) -> Job:
        """Enter a training, or find the one that is entered, and reserve the most that it can cost.

        Raises `BudgetSpent` where that is more than is left.
        """
        with self._database.begin() as connection:
            if connection.execute(sa.select(JOBS).where(JOBS.c.fingerprint == fingerprint)).first() is None:
                open_sums(connection, self._database, budget)
                left = room(connection, budget)
                if left is not None and most > left:
                    raise BudgetSpent(
                        f"train: the training at {trainer} may cost {dollars(most)}, and {dollars(max(left, 0))} of "
                        "the budget is left. Raise budget_usd, train on fewer rows, or lower train.epochs."
                    )
                now = time.time()
                texts = dict.fromkeys(("file", "validation", "job", "words", "host"), "")
                row = {"fingerprint": fingerprint, "project": budget.project, "run": budget.run, "trainer": trainer}
                row |= {"base": base, "state": "begun", "reserved": most, "created_at": now, "changed_at": now}
                connection.execute(sa.insert(JOBS), row | texts | {"process": 0, "held_until": 0.0})
                move(connection, budget.project, budget.run, reserved=most)
        found = self.find(fingerprint)
        assert found is not None
        return found

    def record(self, fingerprint: str, **changes: Any) -> Job:
        """Write down what is known of a training, or what is about to be asked, and return it as it is now."""
        with self._database.begin() as connection:
            _update(connection, fingerprint, changes)
        found = self.find(fingerprint)
        assert found is not None
        return found

    def settle(self, fingerprint: str, state: State, words: str, spent: int | None) -> None:
        """Count what a training that is over has cost in place of what was reserved, once however often it is told."""
        with self._database.begin() as connection:
            row = connection.execute(_JOB.where(JOBS.c.fingerprint == fingerprint)).one()
            if row.state not in OVER:
                move(connection, row.project, row.run, spent=spent or 0, reserved=-row.reserved)
                _update(connection, fingerprint, {"state": state, "words": words, "reserved": 0, "spent": spent})

    def drop(self, fingerprint: str) -> None:
        """Forget a training that was never ordered, and give back what was reserved for it."""
        with self._database.begin() as connection:
            gone = sa.delete(JOBS).where(JOBS.c.fingerprint == fingerprint)
            row = connection.execute(gone.returning(JOBS.c.project, JOBS.c.run, JOBS.c.reserved)).one()
            move(connection, row.project, row.run, reserved=-row.reserved)

    @contextmanager
    def held(self, fingerprint: str) -> Generator[None]:
        """Within, this process alone is at work on a training. Raises `Waiting` where another one is."""
        with self._database.begin() as connection:
            row = connection.execute(sa.select(JOBS).where(JOBS.c.fingerprint == fingerprint)).one()
            if (
                (row.host, row.process) != (host(), os.getpid())
                and row.held_until > time.time()
                and not surely_dead(row.host, row.process)
            ):
                who = f"process {row.process} on {row.host.partition('-')[0]}"
                raise Waiting(f"train: {who} is at work on the same training", _AGAIN_SECONDS)
            held = {"host": host(), "process": os.getpid(), "held_until": time.time() + _HELD_SECONDS}
            connection.execute(sa.update(JOBS).where(JOBS.c.fingerprint == fingerprint).values(held))
        try:
            yield
        finally:
            with self._database.begin() as connection:
                mine = (JOBS.c.host == held["host"], JOBS.c.process == held["process"])
                free = sa.update(JOBS).where(JOBS.c.fingerprint == fingerprint, *mine)
                connection.execute(free.values(held_until=0.0))

    def cost(self, project: str) -> int | None:
        """What all trainings of a project have cost; None where nobody says of one what it cost."""
        over = [each for each in self.of(project) if each.state in OVER]
        return None if any(each.spent is None for each in over) else sum(each.spent or 0 for each in over)


def _update(connection: sa.Connection, fingerprint: str, changes: dict[str, Any]) -> None:
    told = {name: storable(value) if isinstance(value, str) else value for name, value in changes.items()}
    row = sa.update(JOBS).where(JOBS.c.fingerprint == fingerprint)
    connection.execute(row.values(told | {"changed_at": time.time()}))
