"""A batch's account with the ledger: its claims are held by its record, so they outlive every process."""

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from tasks.models.account import Account, Attempt, Budget
from tasks.models.batches.records import Batch
from tasks.models.batches.remote import Result
from tasks.models.ledger import Ledger
from tasks.models.live.failures import BILLED, Failure, Kind
from tasks.models.live.service import Service
from tasks.models.request import Answer
from tasks.models.tables import BATCHED, CLAIMS

_AT_ONCE = 500


class Taken(NamedTuple):
    """Of some results: how many were answered, how many not, how many nobody asked for, and why the first failed."""

    answered: int = 0
    failed: int = 0
    strangers: int = 0
    first: Failure | None = None

    def plus(self, other: "Taken") -> "Taken":
        """Both together."""
        counts = (self.answered + other.answered, self.failed + other.failed, self.strangers + other.strangers)
        return Taken(*counts, self.first or other.first)


class BatchAccount(Account):
    """Claims for a batch, and settles what came back from it."""

    def __init__(self, ledger: Ledger, batch: Batch, service: Service, caps: Budget | None = None) -> None:
        self._model = service.model
        budget = caps or Budget(project=batch.project, run=batch.run)
        super().__init__(ledger, budget, batch.stage, service.listed_as, owner=batch.id)

    def _enter(self, connection: sa.Connection) -> None:
        """A batch is entered in its own table."""

    def _beat(self, connection: sa.Connection) -> None:
        """A batch does not beat."""

    def let_go(self) -> None:
        """Give back what is claimed: nothing of it was asked."""
        with self._database.begin() as connection:
            self._release(connection, CLAIMS.c.owner == self.owner)

    def take(self, results: Sequence[Result]) -> Taken:
        """Settle results, in one transaction. What is settled already, as after a crash, stays as it is."""
        by_key = {result.key: result.outcome for result in results}
        with self._database.begin() as connection:
            held = self._held(connection, CLAIMS.c.key.in_(list(by_key)))
            settled = self._settled(connection, [key for key in by_key if key not in held])
            self._keep(connection, held, by_key)
        ours = [by_key[key] for key in [*held, *settled]]
        failures = [outcome for outcome in ours if isinstance(outcome, Failure) and outcome.kind is not Kind.REFUSED]
        first = failures[0] if failures else None
        return Taken(len(ours) - len(failures), len(failures), len(results) - len(ours), first)

    def give_up(self, failure: Failure) -> int:
        """Settle whatever is left as failed; how many that were."""
        count = 0
        while True:
            with self._database.begin() as connection:
                held = self._held(connection, limit=_AT_ONCE)
                self._keep(connection, held, dict.fromkeys(held, failure))
            if not held:
                return count
            count += len(held)

    def _held(
        self, connection: sa.Connection, *which: sa.ColumnElement[bool], limit: int | None = None
    ) -> dict[str, int]:
        query = sa.select(CLAIMS.c.key, CLAIMS.c.nanodollars).where(CLAIMS.c.owner == self.owner, *which).limit(limit)
        return {row.key: row.nanodollars for row in connection.execute(query)}

    def _settled(self, connection: sa.Connection, keys: Sequence[str]) -> list[str]:
        mine = sa.select(BATCHED.c.key).where(BATCHED.c.batch == self.owner, BATCHED.c.key.in_(keys))
        return list(connection.execute(mine).scalars())

    def _keep(self, connection: sa.Connection, held: dict[str, int], outcomes: dict[str, Answer | Failure]) -> None:
        if not held:
            return
        answered: list[tuple[str, Answer]] = []
        tried: list[Attempt] = []
        rows: list[dict[str, object]] = []
        for key, most in held.items():
            outcome = outcomes[key]
            if isinstance(outcome, Failure) and outcome.kind is not Kind.REFUSED:
                billed = most if outcome.kind in BILLED else 0
                tried.append(Attempt(key, outcome.kind, outcome.words, billed))
                error = f"{outcome.kind}: {outcome.words}"
            else:
                answered.append((key, self._answer(outcome, most)))
                error = ""
            rows.append({"key": key, "batch": self.owner, "error": error, "tries": 1, "run": ""})
        self._settle(connection, answered, tried, list(held))
        insert = self._database.insert(BATCHED)
        again = {name: insert.excluded[name] for name in ("batch", "error", "run")} | {"tries": BATCHED.c.tries + 1}
        connection.execute(insert.on_conflict_do_update(index_elements=["key"], set_=again), rows)

    def _answer(self, outcome: Answer | Failure, most: int) -> Answer:
        if isinstance(outcome, Failure):  # refused: an answer of its kind, as the dispatcher keeps it
            return Answer(finish_reason="content_filter", model=self._model)
        if most and outcome.text and not outcome.input_tokens + outcome.output_tokens:
            return outcome.model_copy(update={"nanodollars": most})  # it did not say what it billed
        return outcome
