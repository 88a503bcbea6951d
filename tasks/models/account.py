"""A run's account with the ledger: what it may ask and spend, claimed before it is sent and settled after.

A claim says that its owner is asking a request now, and reserves the most that it can cost, so that processes and hosts
that share a ledger neither ask the same twice nor spend more than they may together. A claim whose owner died passes to
whoever asks next, and what it had reserved counts as spent: the provider may have billed it.
"""

import os
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from tasks.models.ledger import Ledger, answer_row, find_answers
from tasks.models.prices import NANODOLLARS, dollars
from tasks.models.request import Answer
from tasks.models.tables import ANSWERS, ATTEMPTS, CLAIMS, OWNERS, SPENT
from tasks.processes import host, surely_dead

LEASE_SECONDS = 60.0
_BEAT_SECONDS = 10.0
_LIVING: set[str] = set()


class Budget(BaseModel):
    """What a run may spend, by project and by itself. It decides no answer and enters no cache key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str = Field(description="Whose money it is.")
    run: str = Field(description="Which run of the project spends it.")
    project_usd: float | None = Field(default=None, ge=0, description="The most that all runs may spend; null for any.")
    run_usd: float | None = Field(default=None, ge=0, description="The most that this run may spend; null for any.")

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
    """What may be asked now, what is known by now, what somebody else is asking, and whether the money ran out."""

    claimed: list[str]
    known: dict[str, Answer]
    elsewhere: list[str]
    spent_out: bool


class Account:
    """One run's hand in the ledger. Raises `StoreError` where the ledger cannot be used."""

    def __init__(self, ledger: Ledger, budget: Budget, stage: str, provider: str) -> None:
        self.budget, self.owner = budget, uuid.uuid4().hex
        self._database, self._stage, self._provider = ledger.database, stage, provider
        self._beaten = time.monotonic()
        self._seen: dict[str, tuple[int, float]] = {}
        _LIVING.add(self.owner)
        with self._database.begin() as connection:
            row = {"owner": self.owner, "host": host(), "process": os.getpid(), "beat": 0}
            connection.execute(sa.insert(OWNERS).values(row))
            totals = [{"project": budget.project, "run": run, "spent": 0, "reserved": 0} for run in ("", budget.run)]
            connection.execute(self._database.insert(SPENT).on_conflict_do_nothing(), totals)
            for row in connection.execute(sa.select(OWNERS)).all():
                if _died(row.owner, row.host, row.process):
                    self._inherit(connection, row.owner)

    def close(self) -> None:
        """Give back what is claimed and not asked."""
        with self._database.begin() as connection:
            self._release(connection, sa.select(CLAIMS.c.key).where(CLAIMS.c.owner == self.owner))
            connection.execute(sa.delete(OWNERS).where(OWNERS.c.owner == self.owner))
        _LIVING.discard(self.owner)

    def describe(self) -> str:
        """What is left of the budget, in words."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(SPENT).where(SPENT.c.project == self.budget.project)).all()
        used = {row.run: row.spent + row.reserved for row in rows}
        names = {"": "budget_usd", self.budget.run: "this run's budget"}
        return " and ".join(
            f"{dollars(used.get(run, 0))} of {names[run]} {dollars(cap)} are spent"
            for run, cap in self.budget.caps().items()
        )

    def step(
        self,
        answered: Sequence[tuple[str, Answer]] = (),
        tried: Sequence[Attempt] = (),
        released: Collection[str] = (),
        wanted: Mapping[str, int] | None = None,
    ) -> Granted:
        """One transaction: record answers and attempts, give claims back, and claim what is wanted.

        `wanted` has the most that each request can cost, in nanodollars, in the order in which they are to be asked.
        """
        with self._database.begin() as connection:
            self._settle(connection, answered, tried, released)
            self._beat(connection)
            return self._claim(connection, wanted) if wanted else Granted([], {}, [], False)

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
            now = time.time()
            rows = [{"project": project, "run": run, "tried_at": now} | attempt._asdict() for attempt in tried]
            connection.execute(sa.insert(ATTEMPTS), rows)
        cost = sum(answer.nanodollars or 0 for _, answer in answered) + sum(attempt.nanodollars for attempt in tried)
        if answered or tried or released:
            self._release(connection, [key for key, _ in answered] + list(released), cost)

    def _release(self, connection: sa.Connection, keys: Sequence[str] | sa.Select[tuple[str]], cost: int = 0) -> None:
        held = sa.and_(CLAIMS.c.owner == self.owner, CLAIMS.c.key.in_(keys))
        reserved = connection.execute(sa.select(sa.func.sum(CLAIMS.c.nanodollars)).where(held)).scalar() or 0
        connection.execute(sa.delete(CLAIMS).where(held))
        _move(connection, self.budget.project, self.budget.run, spent=cost, reserved=-int(reserved))

    def _beat(self, connection: sa.Connection) -> None:
        if time.monotonic() - self._beaten > _BEAT_SECONDS:
            connection.execute(sa.update(OWNERS).where(OWNERS.c.owner == self.owner).values(beat=OWNERS.c.beat + 1))
            self._beaten = time.monotonic()

    def _claim(self, connection: sa.Connection, wanted: Mapping[str, int]) -> Granted:
        project, run = self.budget.project, self.budget.run
        affordable = _first_that_fit(wanted, self._room(connection))
        rows = [
            {"key": key, "owner": self.owner, "project": project, "run": run, "nanodollars": wanted[key]}
            for key in sorted(affordable)  # in one order, so that two who claim the same do not wait for each other
        ]
        if rows:
            connection.execute(self._database.insert(CLAIMS).on_conflict_do_nothing(), rows)
        held = sa.select(CLAIMS.c.key, CLAIMS.c.owner).where(CLAIMS.c.key.in_(affordable))
        holders = {row[0]: row[1] for row in connection.execute(held)}
        known = find_answers(connection, affordable)  # looked up once claimed: nobody can answer it in between
        claimed = [key for key in affordable if holders.get(key) == self.owner and key not in known]
        _move(connection, project, run, reserved=sum(wanted[key] for key in affordable if holders[key] == self.owner))
        if known:
            self._release(connection, list(known))
        elsewhere = [key for key in affordable if holders[key] != self.owner and key not in known]
        self._watch(connection, {holders[key] for key in elsewhere})
        return Granted(claimed, known, elsewhere, len(affordable) < len(wanted))

    def _room(self, connection: sa.Connection) -> int | None:
        """What may still be reserved, in nanodollars; None for any sum. Holds others of the project back meanwhile."""
        caps = self.budget.caps()
        query = sa.select(SPENT.c.run, SPENT.c.spent + SPENT.c.reserved).where(
            SPENT.c.project == self.budget.project, SPENT.c.run.in_(["", self.budget.run])
        )
        used = {row[0]: row[1] for row in connection.execute(query.order_by(SPENT.c.run).with_for_update())}
        return min((cap - used[run] for run, cap in caps.items()), default=None)

    def _watch(self, connection: sa.Connection, owners: set[str]) -> None:
        """Inherit from owners that died, or whose beat has stood still for a lease by this process's own clock."""
        rows = connection.execute(sa.select(OWNERS).where(OWNERS.c.owner.in_(owners))).all()
        for owner in owners - {row.owner for row in rows}:  # closed, or inherited, without its claims: nobody's
            self._inherit(connection, owner)
        for row in rows:
            beat, since = self._seen.get(row.owner, (-1, 0.0))
            if beat != row.beat:
                self._seen[row.owner] = (row.beat, time.monotonic())
            elif time.monotonic() - since > LEASE_SECONDS or _died(row.owner, row.host, row.process):
                self._inherit(connection, row.owner)

    def _inherit(self, connection: sa.Connection, owner: str) -> None:
        connection.execute(sa.delete(OWNERS).where(OWNERS.c.owner == owner))
        claims = connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.owner == owner).returning(*CLAIMS.columns)).all()
        for claim in claims:
            lost = Attempt(claim.key, "lost", "in flight when its process died", claim.nanodollars)
            row = {"project": claim.project, "run": claim.run, "tried_at": time.time()} | lost._asdict()
            connection.execute(sa.insert(ATTEMPTS), row)
            _move(connection, claim.project, claim.run, spent=claim.nanodollars, reserved=-claim.nanodollars)


def _move(connection: sa.Connection, project: str, run: str, spent: int = 0, reserved: int = 0) -> None:
    if spent or reserved:
        totals = sa.update(SPENT).where(SPENT.c.project == project, SPENT.c.run.in_(["", run]))
        connection.execute(totals.values(spent=SPENT.c.spent + spent, reserved=SPENT.c.reserved + reserved))


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


def _died(owner: str, host_name: str, process: int) -> bool:
    """Whether an owner of this machine is certainly gone; this very process knows its own."""
    if host_name == host() and process == os.getpid():
        return owner not in _LIVING
    return surely_dead(host_name, process)
