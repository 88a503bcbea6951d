"""What an answer costs: listed prices from genai-prices, or those that a project states, in whole nanodollars.

A nanodollar is 1e-9 US dollars: a price of one dollar a million tokens is 1,000 nanodollars a token.
"""

import json
import math
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.models.request import Answer, Request

NANODOLLARS = 1_000_000_000
_MOST_TOKENS_A_MESSAGE, _MOST_TOKENS_A_REQUEST = 16, 200
_CACHE_WRITE = 1.25


class StatedPrice(BaseModel):
    """US dollars for a million tokens, as the provider bills them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd: float = Field(ge=0, le=1e6, description="For tokens that are read.")
    output_usd: float = Field(ge=0, le=1e6, description="For tokens that are written, reasoning included.")
    cached_usd: float | None = Field(
        default=None, ge=0, le=1e6, description="For tokens read from the provider's cache; as input where not set."
    )
    cache_write_usd: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="For tokens written to the provider's cache; 1.25 of input where not set.",
    )
    batch_share: float = Field(default=0.5, ge=0, le=1, description="What a batch costs of that: half, as most bill.")
    endpoint_usd_per_hour: float | None = Field(
        default=None,
        ge=0,
        le=1e6,
        description="What an hour of a dedicated endpoint costs beside the tokens; no budget holds it: stop it.",
    )


class Tokens(NamedTuple):
    """What is billed of an answer, or of the mean one.

    `input` counts those read from the provider's cache and those written to it, too.
    """

    input: float
    output: float
    cached: float = 0
    cache_write: float = 0


class Price:
    """The price of a model's tokens: as stated, else as listed. `known` is False where nobody says.

    In a batch, a model that no batch price is listed for costs what it costs live.
    """

    def __init__(
        self, model: str, provider: str, base_url: str | None, stated: StatedPrice | None, batch: bool = False
    ) -> None:
        self._model, self._provider, self._base_url, self._stated = model, provider, base_url, stated
        self._batch = batch

    @cached_property
    def known(self) -> bool:
        """Whether a cost can be told."""
        return self._stated is not None or self._listed is not None

    def cost(self, tokens: Tokens) -> int | None:
        """Nanodollars, rounded up; None where the price is not known. What was cached was read, whatever is counted."""
        tokens = tokens._replace(input=max(tokens.input, tokens.cached + tokens.cache_write))
        if self._stated is not None:
            return _stated_cost(self._stated, tokens, self._stated.batch_share if self._batch else 1.0)
        if self._listed is None:
            return None
        from genai_prices import Usage

        counts: dict[str, Any] = {  # a mean is no whole number, which it takes all the same
            "input_tokens": tokens.input,
            "output_tokens": tokens.output,
            "cache_read_tokens": tokens.cached,
            "cache_write_tokens": tokens.cache_write,
        }
        return math.ceil(self._listed.calc_price(Usage(**counts))["total_price"] * NANODOLLARS)

    def worst(self, request: Request, output_tokens: int) -> int:
        """The most that a request can cost, in nanodollars: no token is less than a byte. 0 where no price is known."""
        most = most_input_tokens(request)
        ways = ({}, {"cached": most}, {"cache_write": most})
        return max(self.cost(Tokens(most, output_tokens, **way)) or 0 for way in ways)

    @cached_property
    def _listed(self) -> Any:
        from datetime import UTC, datetime

        from genai_prices.data_snapshot import get_snapshot

        try:
            _, model = get_snapshot().find_provider_model(
                self._model, None, None if self._base_url else self._provider, self._base_url
            )
        except LookupError:
            return None
        return model.get_prices(datetime.now(UTC), {"processing": "batch"} if self._batch else None)


def priced(answer: Answer, price: Price) -> Answer:
    """The answer with its cost, and what the provider's cache took off it: less than nothing where it only wrote."""
    tokens = Tokens(answer.input_tokens, answer.output_tokens, answer.cached_tokens, answer.cache_write_tokens)
    cost = price.cost(tokens)
    fresh = price.cost(Tokens(tokens.input, tokens.output)) if tokens.cached or tokens.cache_write else cost
    saved = 0 if cost is None or fresh is None else fresh - cost
    return answer.model_copy(update={"nanodollars": cost, "saved_nanodollars": saved})


def most_input_tokens(request: Request) -> int:
    """More tokens than any byte-level tokenizer makes of a request, with what templates and providers put around it."""
    schema = json.dumps(request.output_schema) if request.output_schema else ""
    contents = [*(message["content"] for message in request.messages), schema]
    return _MOST_TOKENS_A_REQUEST + sum(len(content.encode()) + _MOST_TOKENS_A_MESSAGE for content in contents)


def dollars(nanodollars: int) -> str:
    """An amount as a person reads it."""
    amount = nanodollars / NANODOLLARS
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.4f}"


def _stated_cost(price: StatedPrice, tokens: Tokens, share: float) -> int:
    cached = price.input_usd if price.cached_usd is None else price.cached_usd
    written = price.input_usd * _CACHE_WRITE if price.cache_write_usd is None else price.cache_write_usd
    fresh = tokens.input - tokens.cached - tokens.cache_write
    micro = (
        fresh * price.input_usd
        + tokens.cached * cached
        + tokens.cache_write * written
        + tokens.output * price.output_usd
    )
    return math.ceil(round(micro * share * 1000, 3))
