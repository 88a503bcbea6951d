"""What every paid service has in common: a name, an address, a key in the environment, a price and a pace."""

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tasks.errors import ModelUnavailable, ProjectError
from tasks.models.live.failures import Failure, Kind, status_failure
from tasks.models.live.limits import Limits, read_limits
from tasks.models.live.pace import Pace
from tasks.models.prices import Price, StatedPrice, priced
from tasks.models.request import Answer, Request

if TYPE_CHECKING:
    from tasks.models.batches.remote import Remote

_NO_KEY = "no-key-needed"
_NO_ANSWER = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
_OURS = {
    *("model", "messages", "input", "system", "n", "stream", "tools", "response_format", "text", "output_config"),
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "thinking", "service_tier", "speed"),
}
"""Fields of a body that the adapters set, or that change what is billed or how it is read."""


class Reply(NamedTuple):
    """An answer, and what the service said of its limits with it."""

    answer: Answer
    limits: Limits


class Service(BaseModel):
    """A model behind an API; what is excluded from its dump decides no answer and enters no key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listed_as: ClassVar[str]
    key_variable: ClassVar[str]
    request_id_header: ClassVar[str]
    address: ClassVar[str]

    model: str = Field(min_length=1, description="The name by which the service knows the model.")
    base_url: str | None = Field(
        default=None, exclude=True, description="Where a compatible service listens; the provider's own where not set."
    )
    service: str | None = Field(
        default=None, description="Whose answers these are; the host of base_url where not set. A part of every key."
    )
    api_key_env: str | None = Field(
        default=None,
        exclude=True,
        description="The environment variable that holds the key; the provider's own, or none where base_url is set.",
    )
    extra_body: dict[str, Any] = Field(
        default={}, description="Fields that only this service knows, as chat_template_kwargs; they enter the key."
    )
    price: StatedPrice | None = Field(
        default=None, exclude=True, description="US dollars a million tokens; listed prices where not set."
    )
    mode: Literal["live", "batch"] = Field(
        default="live",
        exclude=True,
        description="Whether answers are bought at once, or in batches within a day, mostly for half the price.",
    )
    pace: Pace = Field(default=Pace(), exclude=True, description="How fast, and how patiently, it is asked.")

    @field_validator("extra_body")
    @classmethod
    def _leaves_ours(cls, extra: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(_OURS & extra.keys()):
            raise ValueError(f"{taken} cannot be set here: the budget and the reading of answers rest on them")
        return extra

    @field_validator("base_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            plain = parts.port is None or 0 < parts.port < 65536
        except ValueError as error:
            raise ValueError(f"not an address: {error}. Write it as https://host/v1") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username or not plain:
            raise ValueError("not an address with http:// or https://, a host and a path alone, as https://host/v1")
        return url

    @field_validator("api_key_env")
    @classmethod
    def _a_variable(cls, name: str | None) -> str | None:
        if name is not None and not name.isidentifier():
            raise ValueError("the name of an environment variable, as OPENAI_API_KEY, and never the key itself")
        return name

    def identity(self) -> dict[str, Any]:
        """What of the model itself decides its answers: no address, no key."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises `ModelUnavailable` where the key is missing or can be none, before anything is asked."""
        if self.key_name and not os.environ.get(self.key_name, "").strip():
            raise ModelUnavailable(
                f"{self.key_name} is not set, and {self.model} is asked with it. Put the key into the environment: "
                f"export {self.key_name}=…"
            )
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ModelUnavailable(
                f"{self.key_name} holds characters that no key has, perhaps from how it was copied. Set it again."
            )

    def check_priced(self) -> None:
        """Raises `ProjectError` where its price is not known, so that no budget can be kept."""
        if not self.prices.known:
            raise ProjectError(
                f"no price is listed for {self.model} at {self.whose}, so no budget can be kept. State it: "
                "price: {input_usd: …, output_usd: …} (US dollars a million tokens), or set no budget."
            )

    @property
    def key_name(self) -> str:
        """The environment variable with the key; empty where a service of the user's own needs none."""
        return self.api_key_env or ("" if self.base_url else self.key_variable)

    @property
    def api_key(self) -> str:
        """The key itself, never stored."""
        return os.environ.get(self.key_name, "").strip() if self.key_name else _NO_KEY

    @property
    def whose(self) -> str:
        """The service's name in keys."""
        host = urlsplit(self.base_url).hostname if self.base_url else None
        return self.service or host or self.listed_as

    @cached_property
    def prices(self) -> Price:
        """What its tokens cost."""
        return Price(self.model, self.listed_as, self.base_url, self.price)

    @cached_property
    def batch_prices(self) -> Price:
        """What its tokens cost in a batch."""
        return Price(self.model, self.listed_as, self.base_url, self.price, batch=True)

    def longest_output(self, request: Request) -> int:
        """The most tokens that may be billed as written."""
        return request.max_output_tokens

    def weight(self, request: Request) -> float:
        """Tokens that the service counts against its limit when the request is sent, roughly."""
        return sum(len(message["content"]) for message in request.messages) / 4

    def body(self, request: Request) -> dict[str, Any]:
        """The request as the service's API takes it."""
        raise NotImplementedError

    def read(self, said: Any) -> Answer:
        """The answer in what the service said. Raises one of `_NO_ANSWER` where it is none."""
        raise NotImplementedError

    def sdk(self) -> Any:
        """The provider's official package, imported on first use."""
        raise NotImplementedError

    @property
    def path(self) -> str:
        """Where requests are posted, below the address."""
        raise NotImplementedError

    def connect(self) -> Any:
        """An asynchronous client of the SDK."""
        raise NotImplementedError

    def batches(self) -> "Remote":
        """Its API for batches."""
        raise NotImplementedError

    def access(self) -> dict[str, Any]:
        """What every client of the SDK is made with."""
        return {
            "api_key": self.api_key,
            "base_url": self.base_url or self.address,  # never one that the SDK finds in the environment
            "timeout": self.pace.timeout_seconds,
        }

    def connection(self) -> dict[str, Any]:
        """What `connect` makes a client with: it retries nothing itself, and aiohttp bears many requests at once."""
        import httpx2

        wide = self.pace.max_in_flight
        limits = httpx2.Limits(max_connections=wide, max_keepalive_connections=wide)
        return self.access() | {"max_retries": 0, "http_client": self.sdk().DefaultAioHttpClient(limits=limits)}

    async def send(self, client: Any, request: Request) -> Reply | Failure:
        """One try, through the SDK; whatever comes of it is a value. Its words never hold the key."""
        import aiohttp
        import httpx2

        sdk, started = self.sdk(), time.monotonic()
        try:
            given = await client.post(self.path, body=self.body(request), cast_to=httpx2.Response)
        except sdk.APIStatusError as error:
            return self.discreet(
                status_failure(error.status_code, error.body, error.message, read_limits(error.response.headers))
            )
        except (sdk.APIConnectionError, aiohttp.ClientError) as error:  # the SDKs translate some of aiohttp's errors
            return self.discreet(_no_answer(error))
        return self._read(given, time.monotonic() - started)

    def understood(self, said: Any, prices: Price) -> Answer | Failure:
        """The answer in what the service said, with its cost, or the failure that stands there, in words."""
        try:
            if failed := error_in(said):  # some gateways say with HTTP 200 what went wrong
                return self.discreet(status_failure(*failed, Limits()))
            return priced(self.read(said), prices)
        except _NO_ANSWER as error:
            return self.discreet(Failure(Kind.UNREADABLE, f"{type(error).__name__} {error} in: {str(said)[:2000]!r}"))

    def _read(self, given: Any, seconds: float) -> Reply | Failure:
        try:
            said, limits = given.json(), read_limits(given.headers)
        except _NO_ANSWER as error:
            return self.discreet(Failure(Kind.UNREADABLE, f"{type(error).__name__} {error} in: {given.text[:2000]!r}"))
        answer = self.understood(said, self.prices)
        if isinstance(answer, Failure):
            return answer._replace(limits=limits)
        told = {"seconds": seconds, "request_id": given.headers.get(self.request_id_header, "")}
        return Reply(answer.model_copy(update=told), limits)

    def discreet(self, failure: Failure) -> Failure:
        """The failure in few words; the key goes before they are cut, so that no part of it stays."""
        key, words = self.api_key, " ".join(failure.words.split())
        return failure._replace(words=(words.replace(key, "[the key]") if len(key) > 3 else words)[:500])


def error_in(said: Any) -> tuple[int, Any, str] | None:
    """The error that stands where an answer should: its HTTP status, itself and its words."""
    choices = said.get("choices") or [{}]
    error = said.get("error") or (choices[0].get("error") if isinstance(choices[0], dict) else None)
    if not error:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    return (code if isinstance(code, int) and code >= 400 else 500), error, str(error)


def _no_answer(error: BaseException) -> Failure:
    """What became of a request without an answer; the SDKs call much of it a time-out, and what is behind it tells."""
    import aiohttp

    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    words = f"{type(causes[-1]).__name__}: {causes[-1]}".removesuffix(": ")
    never_left = aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL
    if any(isinstance(cause, never_left) for cause in causes):
        return Failure(Kind.UNREACHABLE, words)
    return Failure(Kind.TIMED_OUT if isinstance(causes[-1], TimeoutError) else Kind.DISCONNECTED, words)
