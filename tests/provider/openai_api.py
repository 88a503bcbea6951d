"""OpenAI's conventions: errors, headers and models."""

import math
from typing import Any

from tests.provider.answer import Usage
from tests.provider.limits import Level
from tests.provider.question import Cause, Problem, required
from tests.provider.service import Service, Shape, bearer

INVALID = "invalid_request_error"
ERRORS: dict[Cause, Shape] = {
    "malformed": Shape(400, INVALID, None, "{detail}"),
    "unauthorized": Shape(
        401,
        INVALID,
        "invalid_api_key",
        "Incorrect API key provided: {key}. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    "no_such_model": Shape(
        404, INVALID, "model_not_found", "The model `{model}` does not exist or you do not have access to it."
    ),
    "no_such_object": Shape(404, INVALID, None, "No such {object} object: {id}"),
    "exists": Shape(409, "already_exists", None, "{id} is there already."),
    "too_large": Shape(413, INVALID, None, "The request is too large."),
    "context_too_long": Shape(
        400,
        INVALID,
        "context_length_exceeded",
        "This model's maximum context length is {limit} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages.",
    ),
    "schema_rejected": Shape(
        400, INVALID, "invalid_json_schema", "Invalid schema for response_format: structured output is not supported."
    ),
    "temperature_rejected": Shape(
        400,
        INVALID,
        "unsupported_value",
        "Unsupported value: 'temperature' does not support {temperature} with this model. "
        "Only the default (1) value is supported.",
    ),
    "no_credit": Shape(
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "rate_limited": Shape(
        429,
        "{limited}",
        "rate_limit_exceeded",
        "Rate limit reached on {limited} per min: Limit {limit}, Requested {requested}. Please try again in {wait}.",
    ),
    "error": Shape(
        500, "server_error", None, "The server had an error while processing your request. Sorry about that!"
    ),
    "overloaded": Shape(503, "server_error", None, "The engine is currently overloaded, please try again later."),
    "outage": Shape(503, "server_error", None, "The service is temporarily unavailable."),
}


def _error(problem: Problem, request_id: str) -> tuple[int, dict[str, Any]]:
    shape, facts = ERRORS[problem.cause], dict(problem.facts)
    facts["wait"] = duration(problem.retry_after_seconds or 0)
    error = {
        "message": shape.message.format(**facts),
        "type": shape.type.format(**facts),
        "param": facts.get("param"),
        "code": shape.code,
    }
    return shape.status, {"error": error}


def duration(seconds: float) -> str:
    """Go's notation: 20ms, 1.5s, 6m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    if seconds < 60:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{int(seconds // 60)}m{int(seconds % 60)}s"


def _limit_headers(levels: dict[str, Level]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, level in levels.items():
        headers[f"x-ratelimit-limit-{name}"] = str(level.limit)
        headers[f"x-ratelimit-remaining-{name}"] = str(level.remaining)
        headers[f"x-ratelimit-reset-{name}"] = duration(level.reset_seconds)
    return headers


def _retry_headers(seconds: float) -> dict[str, str]:
    return {"retry-after": str(max(1, math.ceil(seconds))), "retry-after-ms": str(math.ceil(seconds * 1000))}


def _models(names: tuple[str, ...]) -> dict[str, Any]:
    models = [{"id": name, "object": "model", "created": 1767225600, "owned_by": "provider"} for name in names]
    return {"object": "list", "data": models}


def _amounts(usage: Usage) -> dict[str, int]:
    return {"requests": 1, "tokens": usage.input_tokens + usage.output_tokens}


SERVICE = Service(
    name="openai",
    request_id_header="x-request-id",
    token_limits=("tokens",),
    amounts=_amounts,
    key=bearer,
    error=_error,
    limit_headers=_limit_headers,
    retry_headers=_retry_headers,
    models=_models,
)


def served(body: dict[str, Any]) -> None:
    """Raises Problem where the request wants what is not served here."""
    if body.get("stream"):
        raise Problem("malformed", detail="Streaming is not served here.", param="stream")
    if body.get("n") not in (None, 1):
        raise Problem("malformed", detail="Only one choice a request is served here.", param="n")


def schema_asked(format_: dict[str, Any] | None, schema_in: str | None) -> dict[str, Any] | None:
    """The schema that the answer is to follow; `schema_in` names the part of the format that holds it."""
    match (format_ or {}).get("type"):
        case "json_schema":
            return required(required(format_, schema_in, dict) if schema_in else format_, "schema", dict)
        case "json_object":
            return {"type": "object"}
    return None
