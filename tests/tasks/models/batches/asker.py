"""Who asks a service in batch mode, in this process or in one that may be killed: prints what came of it as JSON."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from tasks.errors import Waiting
from tasks.models import Anthropic, Asked, Budget, Hand, Ledger, OpenAI, Question, Request, Service
from tasks.models.prices import Price, StatedPrice, Tokens
from tasks.models.tables import ANSWERS, ATTEMPTS, CLAIMS, SPENT
from tasks.rows import Message
from tests.provider import Asked as Request_
from tests.provider import Provider

PRICE = {"input_usd": 1.0, "output_usd": 3.0}
HOUR = 3600.0
_COSTS = {mode: Price("m", "openai", None, StatedPrice(**PRICE), batch=mode == "batch") for mode in ("live", "batch")}


def teacher(provider: str, url: str, mode: str = "batch", **settings: Any) -> Service:
    base_url = f"{url}/v1" if provider == "openai" else url
    given = {"provider": provider, "model": "m", "base_url": base_url, "service": "shop", "price": PRICE, "mode": mode}
    return (OpenAI if provider == "openai" else Anthropic).model_validate(given | settings)


def question(text: str, **settings: Any) -> Question:
    asked = {"messages": [Message(role="user", content=text)], "max_output_tokens": 64} | settings
    return Question(text, Request.model_validate(asked))


def questions(count: int, word: str = "parcel") -> list[Question]:
    return [question(f"{word} {number}" + " lost" * (number % 5)) for number in range(count)]


def hand(project: str = "shop", run: str = "one", usd: float | None = 1000.0) -> Hand:
    return Hand("teach", Budget(project=project, run=run, project_usd=usd))


def ask(service: Service, asked: Sequence[Question], by: Hand | None = None) -> Asked:
    return (by or hand()).ask(service, asked, len(asked))


def ask_until_done(provider: Provider, service: Service, asked: Sequence[Question], by: Hand | None = None) -> Asked:
    """Ask, and let an hour pass as often as it is to be waited."""
    for _ in range(40):
        try:
            return ask(service, asked, by)
        except Waiting:
            provider.clock.move(HOUR)
    raise AssertionError("it waits for ever")


def texts(asked: Asked) -> list[str]:
    return [answer.error or answer.text for answer in asked.answers()]


def expected(count: int) -> list[str]:
    """What the provider answers to so many questions."""
    return [f"answer to: {each.row}" for each in questions(count)]


def bill(asked: Sequence[Request_], mode: str = "batch") -> int:
    """What the provider would bill for what it answered, in nanodollars."""
    tokens = [Tokens(each.input_tokens, each.output_tokens) for each in asked if each.billed]
    return sum(_COSTS[mode].cost(each) or 0 for each in tokens)


class Books(tuple[int, int, int, int, int]):
    """Of the ledger: spent, reserved, paid for answers, lost in tries, and requests that are still claimed."""

    @classmethod
    def now(cls, project: str = "shop") -> "Books":
        with Ledger().database.read() as connection:
            row = connection.execute(sa.select(SPENT).where(SPENT.c.project == project, SPENT.c.run == "")).one()
            paid, lost = (
                connection.execute(sa.select(sa.func.coalesce(sa.func.sum(table.c.nanodollars), 0))).scalar_one()
                for table in (ANSWERS, ATTEMPTS)
            )
            left = connection.execute(sa.select(sa.func.count()).select_from(CLAIMS)).scalar_one()
        return cls((row.spent, row.reserved, int(paid), int(lost), left))


def balanced(provider: Provider, lost: int = 0) -> None:
    """Every dollar is where it belongs: what was billed is paid, nothing is reserved, nothing is held."""
    assert Books.now() == (bill(provider.asked) + lost, 0, bill(provider.asked), lost, 0)


def main(provider: str, url: str, rows: int) -> None:
    try:
        asked = ask(teacher(provider, url), questions(rows))
    except Waiting as waiting:
        print(json.dumps({"waiting": str(waiting)}))
        return
    print(json.dumps({"texts": texts(asked)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
