"""Why a request got no answer, and what follows from it: wait, try again, give the row up, or stop the run."""

from enum import StrEnum
from typing import Any, NamedTuple

from tasks.models.live.limits import Limits


class Kind(StrEnum):
    """What happened."""

    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"
    DISCONNECTED = "disconnected"
    TIMED_OUT = "timed_out"
    UNREADABLE = "unreadable"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LOST = "lost"
    CONTEXT_TOO_LONG = "context_too_long"
    INVALID = "invalid"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"
    SCHEMA_REJECTED = "schema_rejected"
    UNAUTHORISED = "unauthorised"
    UNKNOWN_MODEL = "unknown_model"
    NO_CREDIT = "no_credit"


WAIT = {Kind.RATE_LIMITED, Kind.OVERLOADED}
"""The service asks for patience: this is no attempt."""

RETRY = {Kind.SERVER_ERROR, Kind.UNREACHABLE, Kind.DISCONNECTED, Kind.TIMED_OUT, Kind.UNREADABLE}
"""It may go through the next time: this is an attempt."""

ENDED = {Kind.EXPIRED, Kind.CANCELLED, Kind.LOST}
"""Its batch ended without it, or the answer is gone: it is asked again."""

STOP = {Kind.SCHEMA_REJECTED, Kind.UNAUTHORISED, Kind.UNKNOWN_MODEL, Kind.NO_CREDIT}
"""No other row will fare better."""

BILLED = {Kind.DISCONNECTED, Kind.TIMED_OUT, Kind.UNREADABLE, Kind.LOST}
"""The answer may have been given, and billed, and lost on its way; what never reached the service is not billed."""

_ADVICE = {
    Kind.SCHEMA_REJECTED: "Change teach.output_schema to what the provider supports",
    Kind.UNAUTHORISED: "Set a valid key in {key} and see that it may use this model",
    Kind.UNKNOWN_MODEL: "Correct the model's name, or base_url",
    Kind.NO_CREDIT: "Add credit, or raise the limit with the provider",
}

_NO_CREDIT = (
    "insufficient_quota",
    "credit_balance",
    "credit balance is",
    "billing_error",
    "insufficient credit",
    "insufficient_balance",
    "insufficient balance",
    "spend_limit",
    "spend limit",
    "usage_limit_reached",
    "billing_hard_limit",
    "usage limits",
    "spending limit",
    "billing_not_active",
    "account is not active",
    "all available credits",
    "is suspended",
    "blocked_api_access",
)
_FLAGGED = ("content_filter", "responsibleaipolicyviolation", "invalid_prompt", "moderation", "was flagged")
_TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "context limit",
    "context window",
    "prompt is too long",
    "request too large",
    "request_too_large",
    "string_above_max_length",
)
_UNKNOWN_MODEL = ("model_not_found", "invalid_model", "is not a valid model")
_UNAUTHORISED = ("organization_on_hold", "organization has been disabled", "invalid_api_key", "unsupported_country")
_SCHEMA = ("invalid_json_schema", "response_format", "output_config.format", "text.format", "json_schema")


class Failure(NamedTuple):
    """What came instead of an answer; `limits` are what the service said of its limits with it."""

    kind: Kind
    words: str
    limits: Limits = Limits()


def status_failure(status: int, body: Any, message: str, limits: Limits) -> Failure:
    """What an answer with an HTTP status of 400 or more means, by OpenAI's and Anthropic's documented errors."""
    return Failure(_kind(status, _said(body, message)), f"HTTP {status}: {message}", limits)


def advice(kind: Kind, key: str) -> str:
    """What a person does about a failure that stops the run."""
    return _ADVICE[kind].format(key=key)


def _said(body: Any, message: str) -> str:
    """What the error says of itself: never what it echoes of the request, which may say anything."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return message.casefold()
    parts = [error, *(part for part in map(error.get, ("innererror", "details")) if isinstance(part, dict))]
    names = ("code", "error_code", "type", "message")
    return " ".join(str(part.get(name) or "") for part in parts for name in names).casefold()


def _kind(status: int, said: str) -> Kind:
    if status in {400, 403, 422, 451} and any(sign in said for sign in _FLAGGED):
        return Kind.REFUSED
    if status == 402 or (status in {400, 403, 412, 429} and any(sign in said for sign in _NO_CREDIT)):
        return Kind.NO_CREDIT
    if status == 401 or (status in {400, 403} and any(sign in said for sign in _UNAUTHORISED)):
        return Kind.UNAUTHORISED
    if status == 403:
        return Kind.FORBIDDEN
    if status == 404 or (status == 400 and any(sign in said for sign in _UNKNOWN_MODEL)):
        return Kind.UNKNOWN_MODEL
    if status == 429 and "request too large" not in said:  # over a minute's tokens by itself: no wait helps it
        return Kind.RATE_LIMITED
    if status in {503, 529}:
        return Kind.OVERLOADED
    if status in {408, 409, 425} or status >= 500:
        return Kind.SERVER_ERROR
    if status == 413 or any(sign in said for sign in _TOO_LONG):
        return Kind.CONTEXT_TOO_LONG
    return Kind.SCHEMA_REJECTED if any(sign in said for sign in _SCHEMA) else Kind.INVALID
