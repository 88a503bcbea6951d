"""A run's account with the ledger: what it may ask and spend, claimed before it is sent and settled after.

A claim says that its owner is asking a request now, and reserves the most that it can cost, so that processes and hosts
that share a ledger neither ask the same twice nor spend more than they may together. A claim whose owner died passes to
whoever asks next, and what it had reserved counts as spent: the provider may have billed it.
"""

import math
import os
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import Field

from tasks.database import Database
from tasks.files import Aside
from tasks.models.ledger import Ledger, answer_row, find_answers, storable
from tasks.models.prices import NANODOLLARS, dollars
from tasks.models.request import Answer
from tasks.models.tables import ANSWERS, ATTEMPTS, BATCHES, CLAIMS, OWNERS, SPENT
from tasks.processes import host, surely_dead

LEASE_SECONDS = 60.0
_BEATS_A_LEASE = 6
_LIVING: set[str] = set()

# Statements of every step, built once.
_HELD = sa.select(CLAIMS.c.key, CLAIMS.c.owner).where(CLAIMS.c.key.in_(sa.bindparam("keys", expanding=True)))
_THESE_RUNS = (SPENT.c.project == sa.bindparam("whose"), SPENT.c.run.in_(sa.bindparam("runs", expanding=True)))
_USED = sa.select(SPENT.c.run, SPENT.c.spent + SPENT.c.reserved).where(*_THESE_RUNS)
_MOVE = (
    sa.update(SPENT)
    .where(*_THESE_RUNS)
    .values(spent=SPENT.c.spent + sa.bindparam("more"), reserved=SPENT.c.reserved + sa.bindparam("held"))
)


class Budget(Aside):
    """What a run may spend, by project and by itself."""

    project: str = Field(min_length=1, description="Whose money it is.")
    run: str = Field(min_length=1, description="Which run of the project spends it.")
    project_usd: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="The most that all runs may spend; null for any."
    )
    run_usd: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="The most that this run may spend; null for any."
    )

    def caps(self) -> dict[str, int]:
        """Nanodollars by the run's name; an empty name stands for all runs."""
        limits = {"": self.project_usd, self.run: self.run_usd}
        return {run: round(limit * NANODOLLARS) for run, limit in limits.items() if limit is not None}


class Attempt(NamedTuple):
    """A try that gave no answer: of which request, what happened, and the most that it may have cost."""

    key: str
    kind: str
    words: str
    nanodollars: int


class Granted(NamedTuple):
    """What may be asked now, what is known by now, what somebody else is asking, and whether the money ran out.

    `batched` is what batches hold, for hours perhaps.
    """

    claimed: list[str]
    known: dict[str, Answer]
    elsewhere: list[str]
    spent_out: bool
    batched: Sequence[str] = ()


class Account:
    """One run's hand in the ledger. Raises `StoreError` where the ledger cannot be used.

    All who share a ledger go by the same `lease_seconds`.
    """

    def __init__(
        self,
        ledger: Ledger,
        budget: Budget,
        stage: str,
        provider: str,
        lease_seconds: float = LEASE_SECONDS,
        owner: str = "",
    ) -> None:
        self.budget, self.owner = budget, owner or uuid.uuid4().hex
        self._database, self._stage, self._provider = ledger.database, stage, provider
        self._lease, self._beats, self._beaten = lease_seconds, 0, -math.inf
        self._seen: dict[str, tuple[int | None, float]] = {}
        with self._database.begin() as connection:
            open_sums(connection, self._database, budget)
            self._enter(connection)

    def close(self) -> None:
        """Give back what is claimed and not asked."""
        try:
            with self._database.begin() as connection:
                self._release(connection, CLAIMS.c.owner == self.owner)
                connection.execute(sa.delete(OWNERS).where(OWNERS.c.owner == self.owner))
        finally:
            _LIVING.discard(self.owner)

    def abandon(self) -> None:
        """Leave claims whose requests may still be answered: they are lost, and count as spent once they are found."""
        _LIVING.discard(self.owner)

    def describe(self) -> str:
        """What is left of the budget, in words."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(SPENT).where(SPENT.c.project == self.budget.project)).all()
        used = {row.run: row.spent + row.reserved for row in rows}
        names = {"": "budget_usd", self.budget.run: "this run's budget"}
        return " and ".join(
            f"{dollars(used.get(run, 0))} of {names[run]} {dollars(cap)} are spent or reserved"
            for run, cap in self.budget.caps().items()
        )

    def reserved_by_others(self) -> int:
        """Nanodollars of the project that other runs hold for requests in flight, and may not come to spend."""
        held = sa.func.coalesce(sa.func.sum(CLAIMS.c.nanodollars), 0)
        others = sa.and_(CLAIMS.c.project == self.budget.project, CLAIMS.c.owner != self.owner)
        with self._database.read() as connection:
            return int(connection.execute(sa.select(held).where(others)).scalar_one())

    def step(
        self,
        answered: Sequence[tuple[str, Answer]] = (),
        tried: Sequence[Attempt] = (),
        released: Collection[str] = (),
        wanted: Mapping[str, int] | None = None,
    ) -> Granted:
        """One transaction: record answers and attempts, give claims back, and claim what is wanted.

        An attempt that may have cost something gives its claim back, too: what was reserved is spent, and the next try
        is to be wanted anew. `wanted` has the most that each request can cost, in nanodollars, in the order in which
        they are to be asked.
        """

        def write(connection: sa.Connection) -> Granted:
            self._settle(connection, answered, tried, released)
            self._beat(connection)
            return self._claim(connection, wanted) if wanted else Granted([], {}, [], False)

        return self._database.write(write)

    def _settle(
        self,
        connection: sa.Connection,
        answered: Sequence[tuple[str, Answer]],
        tried: Sequence[Attempt],
        released: Collection[str],
    ) -> None:
        project, run = self.budget.project, self.budget.run
        if answered:
            rows = [answer_row(key, self._provider, answer, project, run, self._stage) for key, answer in answered]
            connection.execute(self._database.insert(ANSWERS).on_conflict_do_nothing(), rows)
        if tried:
            connection.execute(sa.insert(ATTEMPTS), [_attempt_row(project, run, attempt) for attempt in tried])
        cost = sum(answer.nanodollars or 0 for _, answer in answered) + sum(attempt.nanodollars for attempt in tried)
        over = {key for key, _ in answered} | {attempt.key for attempt in tried if attempt.nanodollars} | {*released}
        if over:
            self._release(connection, CLAIMS.c.owner == self.owner, CLAIMS.c.key.in_(over), cost=cost)

    def _release(self, connection: sa.Connection, *which: sa.ColumnElement[bool], cost: int = 0) -> None:
        gone = connection.execute(sa.delete(CLAIMS).where(*which).returning(CLAIMS.c.nanodollars)).scalars()
        move(connection, self.budget.project, self.budget.run, spent=cost, reserved=-sum(gone))

    def _enter(self, connection: sa.Connection) -> None:
        """Show that there is a new owner, and inherit from those that died."""
        _LIVING.add(self.owner)
        self._beat(connection)
        for row in connection.execute(sa.select(OWNERS)).all():
            if died(row.host, row.process, row.owner in _LIVING):
                self._inherit(connection, row.owner)

    def _beat(self, connection: sa.Connection) -> None:
        """Show that the owner lives. One that was taken for dead, as after a long sleep, is entered anew."""
        if time.monotonic() - self._beaten > self._lease / _BEATS_A_LEASE:
            self._beats += 1
            row = {"owner": self.owner, "host": host(), "process": os.getpid(), "beat": self._beats}
            beat = self._database.insert(OWNERS).values(row)
            connection.execute(beat.on_conflict_do_update(index_elements=["owner"], set_={"beat": self._beats}))
            self._beaten = time.monotonic()

    def _claim(self, connection: sa.Connection, wanted: Mapping[str, int]) -> Granted:
        known = find_answers(connection, list(wanted))  # nobody writes meanwhile: what is not known now is asked once
        holders = self._holders(connection, list(wanted))
        free = {key: most for key, most in wanted.items() if key not in known and key not in holders}
        fitting = _first_that_fit(free, room(connection, self.budget))
        if fitting:
            mine = {"owner": self.owner, "project": self.budget.project, "run": self.budget.run}
            connection.execute(sa.insert(CLAIMS), [mine | {"key": key, "nanodollars": free[key]} for key in fitting])
            move(connection, self.budget.project, self.budget.run, reserved=sum(free[key] for key in fitting))
        asked = {key: owner for key, owner in holders.items() if key not in known}
        again = [key for key, owner in asked.items() if owner == self.owner]
        elsewhere = [key for key, owner in asked.items() if owner != self.owner]
        batches = self._batches(connection, {asked[key] for key in elsewhere})
        batched = tuple(key for key in elsewhere if asked[key] in batches)
        elsewhere = [key for key in elsewhere if asked[key] not in batches]
        return Granted(again + fitting, known, elsewhere, len(fitting) < len(free), batched)

    def _holders(self, connection: sa.Connection, keys: Sequence[str]) -> dict[str, str]:
        """Who asks what of these keys, the dead left out: what they held is free."""
        held = connection.execute(_HELD, {"keys": keys}).all()
        others = {owner for _, owner in held} - {self.owner}
        gone = self._bury(connection, others) if others else set[str]()
        return {key: owner for key, owner in held if owner not in gone}

    def _batches(self, connection: sa.Connection, owners: set[str]) -> set[str]:
        """Which of these owners are batches: those answer in their own time, and outlive every process."""
        if not owners:
            return set()
        return set(connection.execute(sa.select(BATCHES.c.batch).where(BATCHES.c.batch.in_(owners))).scalars())

    def _bury(self, connection: sa.Connection, owners: set[str]) -> set[str]:
        """Inherit from those of the owners that are gone; who they are."""
        owners = owners - self._batches(connection, owners)
        rows = {row.owner: row for row in connection.execute(sa.select(OWNERS).where(OWNERS.c.owner.in_(owners)))}
        gone = {owner for owner in owners if self._is_gone(owner, rows.get(owner))}
        for owner in gone:
            self._inherit(connection, owner)
        return gone

    def _is_gone(self, owner: str, row: Any) -> bool:
        """Whether an owner died, or its beat has stood still for a lease by this process's own clock.

        While the ledger is away nobody's beat goes on.
        """
        if row is not None and died(row.host, row.process, owner in _LIVING):
            return True
        beat, now = None if row is None else row.beat, time.monotonic()
        last, since = self._seen.get(owner, (-1, now))
        if beat != last:
            self._seen[owner] = (beat, now)
        return beat == last and now - max(since, self._database.back_since) > self._lease

    def _inherit(self, connection: sa.Connection, owner: str) -> None:
        connection.execute(sa.delete(OWNERS).where(OWNERS.c.owner == owner))
        claims = connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.owner == owner).returning(*CLAIMS.columns)).all()
        for claim in claims:
            lost = Attempt(
                claim.key, "lost", "claimed, and perhaps in flight, when its process died", claim.nanodollars
            )
            connection.execute(sa.insert(ATTEMPTS), _attempt_row(claim.project, claim.run, lost))
            move(connection, claim.project, claim.run, spent=claim.nanodollars, reserved=-claim.nanodollars)


def _attempt_row(project: str, run: str, attempt: Attempt) -> dict[str, Any]:
    words = storable(attempt.words)
    return {"project": project, "run": run, "tried_at": time.time()} | attempt._asdict() | {"words": words}


def open_sums(connection: sa.Connection, database: Database, budget: Budget) -> None:
    """Make the rows that `room` and `move` count on, of the project and of the run, where they are not there."""
    totals = [{"project": budget.project, "run": run, "spent": 0, "reserved": 0} for run in ("", budget.run)]
    connection.execute(database.insert(SPENT).on_conflict_do_nothing(), totals)


def room(connection: sa.Connection, budget: Budget) -> int | None:
    """What may still be reserved, in nanodollars; None for any sum."""
    caps = budget.caps()
    if not caps:
        return None
    used = connection.execute(_USED, {"whose": budget.project, "runs": list(caps)})
    return min(caps[run] - amount for run, amount in used)


def move(connection: sa.Connection, project: str, run: str, spent: int = 0, reserved: int = 0) -> None:
    """Count so much more, or less, of what a project and its run have spent and reserved."""
    if spent or reserved:
        connection.execute(_MOVE, {"whose": project, "runs": ["", run], "more": spent, "held": reserved})


def _first_that_fit(wanted: Mapping[str, int], room: int | None) -> list[str]:
    """The keys in order, up to the first that the room does not hold."""
    if room is None:
        return list(wanted)
    fitting: list[str] = []
    for key, nanodollars in wanted.items():
        room -= nanodollars
        if room < 0:
            break
        fitting.append(key)
    return fitting


def died(host_name: str, process: int, living: bool) -> bool:
    """Whether who left this name is certainly gone; of itself this very process knows whether it is `living`."""
    if host_name == host() and process == os.getpid():
        return not living
    return surely_dead(host_name, process)
