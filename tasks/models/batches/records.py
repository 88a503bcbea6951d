"""The record of every batch, written before it is submitted: no process that dies takes one with it."""

import os
import time
import uuid
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from tasks.database import Database
from tasks.models.account import Budget, died
from tasks.models.live.service import Service
from tasks.models.tables import BATCHED, BATCHES, CLAIMS
from tasks.processes import host

_LONGEST_MAKING_SECONDS = 3600.0
_MAKING: set[str] = set()


class State(StrEnum):
    """How far a batch has come; one that is `crowded` was refused, for too much was waiting at the service."""

    FILLING = "filling"
    CREATING = "creating"
    OUT = "out"
    CROWDED = "crowded"
    OVER = "over"


OPEN = (State.FILLING, State.CREATING, State.OUT)


class Batch(NamedTuple):
    """A batch: whose, what of it is known, and the process that makes it."""

    id: str
    project: str
    run: str
    stage: str
    service: str
    model: str
    state: str
    remote: str
    said: str
    rows: int
    done: int
    bytes: int
    host: str
    process: int
    began_at: float
    changed_at: float

    @property
    def being_made(self) -> bool:
        """Whether a process may be at it right now: of one on another machine nobody knows, and an hour is enough."""
        if self.state not in (State.FILLING, State.CREATING) or died(self.host, self.process, self.id in _MAKING):
            return False
        return self.host == host() or time.time() - self.changed_at < _LONGEST_MAKING_SECONDS

    @property
    def age_seconds(self) -> float:
        """How long it is out."""
        return max(0.0, time.time() - self.began_at)


class Held(NamedTuple):
    """What the claims of a batch amount to: requests, and the most that they can cost."""

    rows: int
    nanodollars: int


class Records:
    """The batches in a ledger's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, service: Service, budget: Budget, stage: str) -> Batch:
        """A new batch, which may claim from now on."""
        now = time.time()
        names = (uuid.uuid4().hex, budget.project, budget.run, stage, service.whose, service.model)
        batch = Batch(*names, State.FILLING, "", "", 0, 0, 0, host(), os.getpid(), now, now)
        _MAKING.add(batch.id)
        row = {"batch": batch.id} | {name: value for name, value in batch._asdict().items() if name != "id"}
        with self._database.begin() as connection:
            connection.execute(sa.insert(BATCHES), row)
        return batch

    def change(self, batch: Batch, **fields: Any) -> Batch:
        """Write down what is new."""
        changed = {"changed_at": time.time()} | fields
        with self._database.begin() as connection:
            connection.execute(sa.update(BATCHES).where(BATCHES.c.batch == batch.id).values(changed))
        batch = batch._replace(**changed)
        if batch.state not in (State.FILLING, State.CREATING):
            _MAKING.discard(batch.id)
        return batch

    def let_be(self, batch: Batch) -> None:
        """This process makes it no longer: whoever comes next may pick it up."""
        _MAKING.discard(batch.id)

    def open(self, project: str | None = None, service: Service | None = None) -> list[Batch]:
        """The batches that are not over, the oldest first."""
        query = sa.select(*BATCHES.columns).where(BATCHES.c.state.in_(OPEN)).order_by(BATCHES.c.began_at)
        if project is not None:
            query = query.where(BATCHES.c.project == project)
        if service is not None:
            query = query.where(BATCHES.c.service == service.whose, BATCHES.c.model == service.model)
        with self._database.read() as connection:
            return [Batch(*row) for row in connection.execute(query)]

    def crowded(self, service: Service, since: float) -> list[Batch]:
        """The batches that did not fit beside what was waiting at the service."""
        mine = sa.and_(BATCHES.c.service == service.whose, BATCHES.c.model == service.model)
        query = sa.select(*BATCHES.columns).where(mine, BATCHES.c.state == State.CROWDED, BATCHES.c.began_at > since)
        with self._database.read() as connection:
            return [Batch(*row) for row in connection.execute(query)]

    def held(self, batch: Batch) -> Held:
        """What a batch still holds."""
        sums = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(CLAIMS.c.nanodollars), 0))
        with self._database.read() as connection:
            rows, nanodollars = connection.execute(sums.where(CLAIMS.c.owner == batch.id)).one()
        return Held(int(rows), int(nanodollars))

    def holds(self, batch: Batch, key: str) -> bool:
        """Whether this request is one of a batch's."""
        mine = sa.select(CLAIMS.c.key).where(CLAIMS.c.owner == batch.id, CLAIMS.c.key == key)
        with self._database.read() as connection:
            return connection.execute(mine).first() is not None

    def waiting_for(self, keys: Sequence[str]) -> set[str]:
        """Which of these requests batches hold."""
        batches = sa.select(BATCHES.c.batch)
        query = sa.select(CLAIMS.c.key).where(CLAIMS.c.key.in_(keys), CLAIMS.c.owner.in_(batches))
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def came_back(self, keys: Sequence[str], run: str) -> dict[str, tuple[str, int]]:
        """The requests among these that batches are over with: each one's error, if any, and how often it was tried.

        What was handed to another run is forgotten: this one asks it as if for the first time.
        """
        mine = BATCHED.c.key.in_(keys)
        with self._database.begin() as connection:
            connection.execute(sa.delete(BATCHED).where(mine, BATCHED.c.run.not_in(["", run])))
            query = sa.select(BATCHED.c.key, BATCHED.c.error, BATCHED.c.tries).where(mine)
            return {key: (error, tries) for key, error, tries in connection.execute(query)}

    def hand_over(self, keys: Sequence[str], run: str) -> int:
        """The run that wanted these has them; how many of them came back from batches."""
        mine = sa.and_(BATCHED.c.key.in_(keys), BATCHED.c.run.in_(["", run]))
        with self._database.begin() as connection:
            return connection.execute(sa.update(BATCHED).where(mine).values(run=run)).rowcount

    def ask_again(self, batch: Batch) -> None:
        """Forget what came back from a batch, as if none of it had been tried."""
        with self._database.begin() as connection:
            connection.execute(sa.delete(BATCHED).where(BATCHED.c.batch == batch.id))
