"""Anthropic's wire format: errors, headers and models, and the Messages API."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.provider.answer import REFUSAL, Answer, Usage
from tests.provider.limits import Level
from tests.provider.question import Cause, Problem, Question, optional, plain, question, required, said
from tests.provider.service import DATED, Api, Service, Shape, bearer, new_id

INVALID = "invalid_request_error"
ERRORS: dict[Cause, Shape] = {
    "malformed": Shape(400, INVALID, None, "{detail}"),
    "unauthorized": Shape(401, "authentication_error", None, "invalid x-api-key: {key}"),
    "no_such_model": Shape(404, "not_found_error", None, "model: {model}"),
    "no_such_object": Shape(404, "not_found_error", None, "{object} {id} not found."),
    "exists": Shape(409, "invalid_request_error", None, "{id} is there already."),
    "too_large": Shape(413, "request_too_large", None, "Request exceeds the maximum allowed number of bytes."),
    "context_too_long": Shape(400, INVALID, None, "prompt is too long: {tokens} tokens > {limit} maximum"),
    "schema_rejected": Shape(400, INVALID, None, "output_config.format: structured outputs are not supported"),
    "temperature_rejected": Shape(400, INVALID, None, "`temperature` may only be set to 1 with this model."),
    "no_credit": Shape(
        400,
        INVALID,
        None,
        "Your credit balance is too low to access the Anthropic API. "
        "Please go to Plans & Billing to upgrade or purchase credits.",
    ),
    "rate_limited": Shape(
        429, "rate_limit_error", None, "This request would exceed your rate limit of {limit} {limited} per minute."
    ),
    "error": Shape(500, "api_error", None, "Internal server error"),
    "overloaded": Shape(529, "overloaded_error", None, "Overloaded"),
    "outage": Shape(503, "api_error", None, "Service unavailable"),
}
ENDINGS = {"stop": "end_turn", "length": "max_tokens", "refusal": "refusal", "filter": "refusal"}


def _key(headers: Mapping[str, str]) -> str:
    return headers.get("x-api-key") or bearer(headers)


def _error(problem: Problem, request_id: str) -> tuple[int, dict[str, Any]]:
    shape = ERRORS[problem.cause]
    error = {"type": shape.type, "message": shape.message.format(**problem.facts)}
    return shape.status, {"type": "error", "error": error, "request_id": request_id}


def _limit_headers(levels: dict[str, Level]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, level in levels.items():
        headers[f"anthropic-ratelimit-{name}-limit"] = str(level.limit)
        headers[f"anthropic-ratelimit-{name}-remaining"] = str(level.remaining)
        headers[f"anthropic-ratelimit-{name}-reset"] = _moment(level.reset_seconds)
    return headers


def _moment(seconds: float) -> str:
    """The whole second, rounded up, that is so far from now."""
    return datetime.fromtimestamp(math.ceil(time.time() + seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _retry_headers(seconds: float) -> dict[str, str]:
    return {"retry-after": str(max(1, math.ceil(seconds)))}


def _models(names: tuple[str, ...]) -> dict[str, Any]:
    rest = {"type": "model", "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active"}
    models = [{"id": name, "display_name": name, **rest} for name in names]
    ends = {"first_id": names[0], "last_id": names[-1]} if names else {"first_id": None, "last_id": None}
    return {"data": models, "has_more": False, **ends}


def _amounts(usage: Usage) -> dict[str, int]:
    """Tokens read from the cache do not count towards Anthropic's limit."""
    uncached = usage.input_tokens - usage.cached_tokens
    return {"requests": 1, "input-tokens": uncached, "output-tokens": usage.output_tokens}


SERVICE = Service(
    name="anthropic",
    request_id_header="request-id",
    token_limits=("input-tokens", "output-tokens"),
    amounts=_amounts,
    key=_key,
    error=_error,
    limit_headers=_limit_headers,
    retry_headers=_retry_headers,
    models=_models,
)


def _read(body: dict[str, Any]) -> Question:
    if body.get("stream"):
        raise Problem("malformed", detail="stream: streaming is not served here", param="stream")
    turns = said(required(body, "messages", list), "messages")
    system = body.get("system") or ""
    if system:
        turns = [("system", plain(system, "system")), *turns]
    format_ = (body.get("output_config") or {}).get("format") or {}
    thinking = body.get("thinking") or {}
    return question(
        turns,
        model=required(body, "model", str),
        schema=required(format_, "schema", dict) if format_.get("type") == "json_schema" else None,
        thinks=thinking.get("type") in ("enabled", "adaptive"),
        shows_thinking=thinking.get("display") != "omitted",
        temperature=optional(body, "temperature", (int, float)),
        max_output_tokens=required(body, "max_tokens", int),
        caches_system=isinstance(system, list) and any(block.get("cache_control") for block in system),
    )


def _write(asked: Question, answer: Answer) -> dict[str, Any]:
    refused = ENDINGS[answer.ending] == "refusal"
    return {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": asked.model + DATED,
        "content": [] if refused else _content(asked, answer),
        "stop_reason": ENDINGS[answer.ending],
        "stop_sequence": None,
        "stop_details": {"type": "refusal", "category": None, "explanation": REFUSAL} if refused else None,
        "usage": _usage(answer.usage),
    }


def _content(asked: Question, answer: Answer) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if answer.thinking:
        thinking = answer.thinking if asked.shows_thinking else ""
        blocks.append({"type": "thinking", "thinking": thinking, "signature": new_id("sig_")})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text, "citations": None})
    return blocks


def _usage(usage: Usage) -> dict[str, Any]:
    written = usage.cache_write_tokens
    return {
        "input_tokens": usage.input_tokens - usage.cached_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "service_tier": "standard",
    }


MESSAGES = Api("messages", "/v1/messages", SERVICE, _read, _write)
