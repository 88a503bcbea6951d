"""What the tests of hosted trainers share: rows, a trainer at each service of a provider, and a training ordered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from tasks.artifacts import Dataset, Made
from tasks.models import Budget, Ledger
from tasks.models.jobs import Job, Jobs
from tasks.models.tables import JOBS
from tasks.rows import Kept
from tasks.store import Store
from tasks.trainers import HostedTrainer, Trainer
from tests.tasks.trainers.lessons import row

if TYPE_CHECKING:
    from tasks.train import Trained

SERVICES = ("openai", "together", "fireworks")
ROWS = [row(number, said=f"Where is parcel {number}?") for number in range(12)]
WATCHED = [row(number, said=f"Where is parcel {number}?") for number in range(20, 23)]
OWN: dict[str, dict[str, Any]] = {
    "openai": {"base": "gpt-mini", "at": "/v1"},
    "together": {"base": "org/Small", "at": "/together/v1"},
    "fireworks": {"base": "accounts/fireworks/models/small", "at": "/fireworks", "account": "shop"},
}


def trainer(service: str, url: str, **changes: Any) -> HostedTrainer:
    own = {name: value for name, value in OWN[service].items() if name != "at"}
    given = {"trainer": service, "base_url": f"{url}{OWN[service]['at']}", "price_usd": 500, "epochs": 2} | own
    given |= {"price": {"input_usd": 1, "output_usd": 1}, "base_price": {"input_usd": 1, "output_usd": 1}}
    return TypeAdapter[Any](Trainer).validate_python(given | changes)


def stored(rows: Sequence[Kept]) -> Dataset:
    return Store().write_rows(rows, Kept, Made(stage="split", version="1", config={}, parents={}))


def ordered(
    config: HostedTrainer, rows: Sequence[Kept] = ROWS, watched: Sequence[Kept] = WATCHED, usd: float | None = 10
) -> "Trained":
    from tasks.train import train  # a process that is killed at every step need not load Prefect each time

    return train.fn(config, stored(rows), stored(watched), Budget(project="shop", run="run", project_usd=usd))


def jobs() -> list[Job]:
    return Jobs(Ledger()).of("shop")


def spent_usd() -> float:
    return Ledger().spent("shop") / 1e9


def minutes_pass() -> None:
    """The ledger's training was last touched an hour ago."""
    with Ledger().database.begin() as connection:
        connection.execute(sa.update(JOBS).values(changed_at=JOBS.c.changed_at - 3600.0))
