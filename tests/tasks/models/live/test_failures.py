from typing import Any, get_args

import pytest
from anthropic.types.shared import ErrorType
from hypothesis import given
from hypothesis import strategies as st

from tasks.models.live.failures import BILLED, ENDED, RETRY, STOP, WAIT, Kind, advice, status_failure
from tasks.models.live.limits import Limits

ANTHROPICS = {
    "invalid_request_error": (400, Kind.INVALID),
    "authentication_error": (401, Kind.UNAUTHORISED),
    "billing_error": (402, Kind.NO_CREDIT),
    "permission_error": (403, Kind.FORBIDDEN),
    "not_found_error": (404, Kind.UNKNOWN_MODEL),
    "conflict_error": (409, Kind.SERVER_ERROR),
    "rate_limit_error": (429, Kind.RATE_LIMITED),
    "api_error": (500, Kind.SERVER_ERROR),
    "timeout_error": (504, Kind.SERVER_ERROR),
    "overloaded_error": (529, Kind.OVERLOADED),
}
ELSEWHERE = {"memory_precondition_failed_error", "memory_path_conflict_error"}


def kind(status: int, message: str = "", **body: object) -> Kind:
    return status_failure(status, {"message": message, **body}, f"Error code: {status} - {message}", Limits()).kind


def test_every_failure_has_one_consequence_and_a_bad_row_has_none() -> None:
    assert len(WAIT | RETRY | STOP | ENDED) == len(WAIT) + len(RETRY) + len(STOP) + len(ENDED)
    none = {Kind.CONTEXT_TOO_LONG, Kind.INVALID, Kind.REFUSED, Kind.FORBIDDEN}
    assert set(Kind) - WAIT - RETRY - STOP - ENDED == none


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"type": "error", "error": {"message": "You have reached your specified API usage limits"}}, "no_credit"),
        (
            412,
            {"error": {"message": "Account a is suspended, possibly due to reaching the spending limit"}},
            "no_credit",
        ),
        (429, {"code": "billing_not_active", "message": "Your account is not active"}, "no_credit"),
        (403, {"code": 403, "message": "Your chosen model requires moderation and your input was flagged"}, "refused"),
        (400, {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}, "refused"),
        (400, {"code": "invalid_prompt", "message": "Invalid prompt"}, "refused"),
        (400, {"message": "wrong field", "input": "my credit balance is wrong"}, "invalid"),
        (403, {"message": "Forbidden"}, "forbidden"),
    ],
)
def test_money_refusals_and_what_a_row_only_says_are_told_apart(
    status: int, body: dict[str, Any], expected: str
) -> None:
    assert status_failure(status, body, "words", Limits()).kind == expected


def test_a_refusal_is_no_attempt_and_may_not_be_billed() -> None:
    assert {Kind.RATE_LIMITED, Kind.OVERLOADED} == WAIT
    assert BILLED - {Kind.LOST} < RETRY
    assert Kind.UNREACHABLE not in BILLED


@pytest.mark.parametrize("error", sorted(ANTHROPICS))
def test_anthropics_documented_errors_are_known(error: str) -> None:
    status, expected = ANTHROPICS[error]
    assert kind(status, "Any words.", type=error) is expected


def test_anthropics_documented_errors_are_all_tested() -> None:
    assert set(get_args(ErrorType)) == set(ANTHROPICS) | ELSEWHERE


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, "enforced_spend_limit_reached", Kind.NO_CREDIT),
        (429, "contract_spend_limit_reached", Kind.NO_CREDIT),
        (402, "linked_organization_spend_limit_reached", Kind.NO_CREDIT),
        (402, "linked_organization_billing_unavailable", Kind.NO_CREDIT),
        (429, "ramp_limit_exceeded", Kind.RATE_LIMITED),
        (400, "organization_on_hold", Kind.UNAUTHORISED),
        (413, "request_body_too_large_after_decoding", Kind.CONTEXT_TOO_LONG),
    ],
)
def test_anthropics_codes_say_more_than_their_types(status: int, code: str, expected: Kind) -> None:
    assert kind(status, "Any words.", type="rate_limit_error", details={"error_code": code}) is expected


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (401, "invalid_api_key", "Incorrect API key provided", Kind.UNAUTHORISED),
        (403, "unsupported_country_region_territory", "Country not supported", Kind.UNAUTHORISED),
        (404, "model_not_found", "The model `m` does not exist", Kind.UNKNOWN_MODEL),
        (429, "insufficient_quota", "You exceeded your current quota", Kind.NO_CREDIT),
        (429, "rate_limit_exceeded", "Rate limit reached for gpt-4o on tokens per min (TPM)", Kind.RATE_LIMITED),
        (400, "context_length_exceeded", "Your input exceeds the context window", Kind.CONTEXT_TOO_LONG),
        (400, "string_above_max_length", "Invalid 'input': string too long", Kind.CONTEXT_TOO_LONG),
        (400, "invalid_json_schema", "Invalid schema for response_format 'answer'", Kind.SCHEMA_REJECTED),
        (400, "unsupported_value", "'temperature' does not support 0 with this model", Kind.INVALID),
        (500, None, "The server had an error", Kind.SERVER_ERROR),
        (503, None, "The engine is currently overloaded", Kind.OVERLOADED),
    ],
)
def test_openais_codes_are_known(status: int, code: str | None, message: str, expected: Kind) -> None:
    assert kind(status, message, code=code, type="invalid_request_error", param=None) is expected


def test_a_request_larger_than_a_minutes_tokens_is_not_waited_for() -> None:
    words = (
        "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 41000. "
        "The input or output tokens must be reduced in order to run successfully."
    )
    assert kind(429, words, type="tokens", code="rate_limit_exceeded") is Kind.CONTEXT_TOO_LONG


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens. However, you requested 4100 tokens",  # vLLM, OpenAI
        "The input (9000 tokens) is longer than the model's context length (8192 tokens).",  # SGLang
        "the request exceeds the available context size",  # llama.cpp
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",  # Anthropic
        "prompt is too long: 210000 tokens > 200000 maximum",  # Anthropic, Fireworks
    ],
)
def test_a_prompt_that_is_too_long_is_known_by_the_words_of_many_services(words: str) -> None:
    assert kind(400, words) is Kind.CONTEXT_TOO_LONG


@pytest.mark.parametrize("words", ["m is not a valid model ID", "Invalid model: m (invalid_model)"])
def test_some_services_know_no_model_with_status_400(words: str) -> None:
    assert kind(400, words) is Kind.UNKNOWN_MODEL


def test_a_bad_request_that_speaks_of_credit_does_not_stop_the_run() -> None:
    assert kind(400, "messages: invalid: 'Where do I see my credit balance?'") is Kind.INVALID


@given(st.integers(300, 700), st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.text())), st.text())
def test_every_status_has_a_kind_and_keeps_its_limits(status: int, body: object, message: str) -> None:
    limits = Limits(retry_after_seconds=3)
    failure = status_failure(status, body, message, limits)
    assert failure.kind in Kind
    assert failure.limits is limits
    assert str(status) in failure.words


@pytest.mark.parametrize("kind", sorted(STOP))
def test_whatever_stops_the_run_says_what_to_do(kind: Kind) -> None:
    assert len(advice(kind, "OPENAI_API_KEY")) > 20
    assert "{" not in advice(kind, "OPENAI_API_KEY")
