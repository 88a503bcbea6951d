import asyncio
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import ClientSession

from tests.provider import Behaviour, Provider
from tests.provider.clients import talk
from tests.provider.test_openai import SCHEMA


def errors(text: str = "hello", behaviour: dict[str, Any] | None = None, key: str = "key", **rest: Any) -> list[Any]:
    async def ask() -> list[Any]:
        async with talk(key, **behaviour or {}) as clients:
            answers = await clients.all(text, **rest)
            assert clients.provider.billed == 0
            return answers

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("behaviour", "openais", "anthropics", "codes"),
    [
        ({"models": ("n",)}, "NotFoundError", "NotFoundError", ("model_not_found", "not_found_error")),
        (
            {"context_tokens": 3},
            "BadRequestError",
            "BadRequestError",
            ("context_length_exceeded", "invalid_request_error"),
        ),
        (
            {"credit_requests": 0},
            "RateLimitError",
            "BadRequestError",
            ("insufficient_quota", "invalid_request_error"),
        ),
        ({"error_share": 1}, "InternalServerError", "InternalServerError", (None, "api_error")),
        ({"overloaded_share": 1}, "InternalServerError", "OverloadedError", (None, "overloaded_error")),
        ({"outage_after": 0}, "InternalServerError", "ServiceUnavailableError", (None, "api_error")),
    ],
)
def test_errors_are_the_sdks_own(
    behaviour: dict[str, Any], openais: str, anthropics: str, codes: tuple[str | None, str]
) -> None:
    chatted, responded, messaged = errors(behaviour=behaviour)
    assert [type(each).__name__ for each in (chatted, responded, messaged)] == [openais, openais, anthropics]
    assert (chatted.code, responded.code, messaged.type) == (codes[0], *codes)
    assert all(each.request_id.startswith("req_") for each in (chatted, responded, messaged))


def test_statuses_are_those_of_the_services() -> None:
    assert [each.status_code for each in errors(behaviour={"overloaded_share": 1})] == [503, 503, 529]
    assert [each.status_code for each in errors(behaviour={"outage_after": 0})] == [503, 503, 503]
    assert [each.status_code for each in errors(behaviour={"credit_requests": 0})] == [429, 429, 400]


def test_a_wrong_key_is_echoed_and_a_right_one_let_in() -> None:
    chatted, responded, messaged = errors(behaviour={"api_keys": ("good",)}, key="sk-wrong")
    assert isinstance(chatted, openai.AuthenticationError)
    assert isinstance(messaged, anthropic.AuthenticationError)
    assert all("sk-wrong" in str(each) for each in (chatted, responded, messaged))

    async def enter() -> list[Any]:
        async with talk("good", api_keys=("good",)) as clients:
            return await clients.all()

    assert not [answer for answer in asyncio.run(enter()) if isinstance(answer, Exception)]


def test_schemas_may_be_rejected() -> None:
    async def ask() -> list[Exception]:
        format_ = {"name": "verdict", "schema": SCHEMA}
        async with talk(reject_schemas=True) as clients:
            with pytest.raises(openai.BadRequestError) as chatted:
                await clients.chat(response_format={"type": "json_schema", "json_schema": format_})
            with pytest.raises(openai.BadRequestError) as responded:
                await clients.response(text={"format": {"type": "json_schema", **format_}})
            with pytest.raises(anthropic.BadRequestError) as messaged:
                await clients.message(output_config={"format": {"type": "json_schema", "schema": SCHEMA}})
            await clients.chat()
            return [chatted.value, responded.value, messaged.value]

    chatted, responded, messaged = asyncio.run(ask())
    assert [chatted.code, responded.code] == ["invalid_json_schema"] * 2  # type: ignore
    assert "output_config.format" in str(messaged)


def test_a_temperature_may_be_rejected() -> None:
    chatted, *rest = errors(behaviour={"reject_temperature": True}, extra_body={"temperature": 0})
    assert (chatted.code, chatted.param) == ("unsupported_value", "temperature")
    assert [each.status_code for each in rest] == [400, 400]


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        b"[]",
        b"{}",
        b'{"model": "m"}',
        b'{"model": "m", "messages": "hello"}',
        b'{"model": "m", "messages": [1], "input": [1], "max_tokens": 9}',
        b'{"model": "m", "messages": [{"role": "user", "content": 1}], "input": 1, "max_tokens": 9}',
        b'{"model": "m", "messages": [{"content": "a"}], "input": "a", "max_tokens": "9", "max_output_tokens": "9"}',
        b'{"model": "m", "messages": [{"content": "a"}], "input": "a", "max_tokens": 9, "stream": true}',
        b'{"model": "\\ud800", "messages": [{"content": "a"}], "input": "a", "max_tokens": 9}',
    ],
)
def test_a_malformed_body_is_a_bad_request(body: bytes) -> None:
    async def post() -> list[int]:
        async with Provider() as provider, ClientSession(provider.url) as client:
            paths = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
            return [(await client.post(path, data=body)).status for path in paths]

    assert asyncio.run(post()) == [400, 400, 400]


def test_a_behaviour_has_no_field_by_another_name() -> None:
    with pytest.raises(ValueError, match="latency"):
        Behaviour(latency=1)  # type: ignore
    with pytest.raises(ValueError, match="more than 1"):
        Behaviour(error_share=0.6, hang_share=0.6)
