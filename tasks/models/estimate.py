"""What asking would cost: the requests that the ledger does not know, their tokens, and a range in dollars.

Tokens are counted with OpenAI's own vocabulary, for other providers within a range around it; how long answers are, and
how far the count is off, is taken from what the model answered before, where it did.
"""

import warnings
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from tasks.models.asking import Question
from tasks.models.ledger import Ledger
from tasks.models.live.service import Service
from tasks.models.prices import Tokens, dollars
from tasks.models.request import request_key
from tasks.models.tables import ANSWERS
from tasks.rows import Message

_TOKENS_A_MESSAGE = 4
OTHERS_COUNT = (0.9, 1.4)
"""How far from OpenAI's count of tokens another provider's may be."""

_SHORTEST, _USUAL = 0.05, 0.35
_ENOUGH_ANSWERS = 20
_LONGEST_COUNTED, _CHARACTERS_A_TOKEN = 1_000_000, 4


class Estimated(NamedTuple):
    """Requests, how many the ledger does not know, and the low, the likely and the highest cost in nanodollars.

    `instead` is the likely cost the other way: in batches, or, of a model in batch mode, live.
    """

    requests: int
    to_ask: int
    low: int | None
    likely: int | None
    high: int | None
    batch: bool = False
    instead: int | None = None

    def words(self) -> str:
        """The estimate as a person reads it."""
        known = f"{self.to_ask} of {self.requests} requests to ask, the rest is in the ledger"
        if not self.to_ask:
            return f"{known}; costs nothing"
        if self.low is None or self.likely is None or self.high is None:
            return f"{known}; no price is known"
        own, other = ("in batches", "live") if self.batch else ("live", "in batches")
        cost = f"about {dollars(self.likely)} ({dollars(self.low)} to at most {dollars(self.high)})"
        return f"{known}; {cost}" + ("" if self.instead is None else f" {own}, about {dollars(self.instead)} {other}")


def estimate(service: Service, questions: Iterable[Question], ledger: Ledger) -> Estimated:
    """What a service would be asked, and what that would cost."""
    identity = service.identity()
    requests = {request_key(identity, question.request): question.request for question in questions}
    known = ledger.known(list(requests))
    left = [request for key, request in requests.items() if key not in known]
    if not left or not service.prices.known:
        nothing = None if left else 0
        return Estimated(len(requests), len(left), nothing, nothing, nothing)
    longest = sum(service.longest_output(request) for request in left)
    usual = _usual_output(service, ledger)
    read = sum(conversation_tokens(request.messages) for request in left)
    low_share, high_share = (1.0, 1.0) if service.listed_as == "openai" and not service.base_url else OTHERS_COUNT
    written = longest * _USUAL if usual is None else usual * len(left)
    likely = Tokens(int(read * (low_share + high_share) / 2), int(min(written, longest)))
    batch, ways = service.mode == "batch", (service.prices, service.batch_prices)
    own, other = reversed(ways) if batch else ways
    return Estimated(
        len(requests),
        len(left),
        own.cost(Tokens(int(read * low_share), int(min(written, longest * _SHORTEST)))),
        own.cost(likely),
        sum(own.worst(request, service.longest_output(request)) for request in left),
        batch,
        other.cost(likely),
    )


def _usual_output(service: Service, ledger: Ledger) -> float | None:
    """How long this model's answers were so far, where there are enough to tell."""
    mine = sa.and_(ANSWERS.c.provider == service.listed_as, ANSWERS.c.model.startswith(service.model, autoescape=True))
    query = sa.select(sa.func.count(), sa.func.avg(ANSWERS.c.output_tokens)).where(mine)
    with ledger.database.read() as connection:
        answers, mean = connection.execute(query).one()
    return float(mean or 0) if answers >= _ENOUGH_ANSWERS else None


def conversation_tokens(messages: Iterable[Message]) -> int:
    """The tokens of a conversation by OpenAI's vocabulary, with what stands around each message."""
    return sum(_count(message["content"]) + _TOKENS_A_MESSAGE for message in messages)


@lru_cache(maxsize=4)
def _count(text: str) -> int:
    if len(text) > _LONGEST_COUNTED:
        return len(text) // _CHARACTERS_A_TOKEN
    return len(_vocabulary().encode(text))


@cache
def _vocabulary() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it opens its own file in an old way
        from bpe_openai import get_encoding

        return get_encoding("o200k_base")
