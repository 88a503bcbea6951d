import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.provider import Behaviour
from tests.provider.clients import Talk, talk
from tests.provider.limits import Bucket, Limits
from tests.provider.openai_api import duration
from tests.provider.question import Problem


def headers(**behaviour: Any) -> tuple[dict[str, str], dict[str, str]]:
    async def ask() -> tuple[dict[str, str], dict[str, str]]:
        async with talk(**behaviour) as clients:
            messages: list[Any] = [{"role": "user", "content": "hello"}]
            chat = clients.openai.chat.completions.with_raw_response
            message = clients.anthropic.messages.with_raw_response
            chatted = await chat.create(model="m", messages=messages)
            messaged = await message.create(model="m", messages=messages, max_tokens=9)
            return dict(chatted.headers), dict(messaged.headers)

    return asyncio.run(ask())


def test_openais_headers_say_how_the_limits_stand() -> None:
    found, _ = headers(requests_per_minute=600, tokens_per_minute=60_000)
    assert found["x-ratelimit-limit-requests"] == "600"
    assert found["x-ratelimit-remaining-requests"] == "9"
    assert found["x-ratelimit-reset-requests"] == "100ms"
    assert found["x-ratelimit-limit-tokens"] == "60000"
    assert found["x-ratelimit-remaining-tokens"] == str(1000 - 5 - 4)


def test_anthropics_headers_say_how_the_limits_stand() -> None:
    _, found = headers(requests_per_minute=600, tokens_per_minute=60_000)
    assert found["anthropic-ratelimit-requests-limit"] == "600"
    assert found["anthropic-ratelimit-requests-remaining"] == "9"
    assert found["anthropic-ratelimit-input-tokens-remaining"] == str(1000 - 5)
    assert found["anthropic-ratelimit-output-tokens-remaining"] == str(1000 - 4)
    reset = datetime.fromisoformat(found["anthropic-ratelimit-requests-reset"])
    assert abs((reset - datetime.now(UTC)).total_seconds()) < 5


def test_limit_headers_are_sent_only_where_wanted() -> None:
    for behaviour in ({}, {"requests_per_minute": 600, "limit_headers": False}):
        assert not [name for found in headers(**behaviour) for name in found if "ratelimit" in name]


def refused(**behaviour: Any) -> tuple[list[Any], int]:
    async def ask() -> tuple[list[Any], int]:
        async with talk(requests_per_minute=30, **behaviour) as clients:
            await clients.chat()
            await clients.message()
            return await clients.all(), clients.provider.refused

    return asyncio.run(ask())


def test_a_request_over_the_limit_is_told_when_to_come_back() -> None:
    (chatted, responded, messaged), count = refused()
    assert count == 3
    assert {type(each).__name__ for each in (chatted, responded, messaged)} == {"RateLimitError"}
    assert (chatted.code, messaged.type) == ("rate_limit_exceeded", "rate_limit_error")
    assert chatted.response.headers["retry-after"] == "2"
    assert 1500 < int(chatted.response.headers["retry-after-ms"]) <= 2000
    assert messaged.response.headers["retry-after"] == "2"
    assert "retry-after-ms" not in messaged.response.headers


def test_the_wait_may_be_set() -> None:
    (chatted, *_), _ = refused(retry_after_seconds=0.3)
    assert (chatted.response.headers["retry-after"], chatted.response.headers["retry-after-ms"]) == ("1", "300")


def test_who_waits_as_told_gets_through() -> None:
    async def ask(clients: Talk) -> int:
        patient = clients.openai.with_options(max_retries=9)
        asks = [patient.responses.create(model="m", input=str(at)) for at in range(12)]
        return len(await asyncio.gather(*asks))

    async def run() -> tuple[int, int, int]:
        async with talk(requests_per_minute=600, burst_seconds=0.5) as clients:
            return await ask(clients), clients.provider.refused, clients.provider.billed

    answers, refusals, billed = asyncio.run(run())
    assert (answers, billed) == (12, 12)
    assert refusals


@pytest.mark.parametrize("burst_seconds", [0.1, 1, 30])
def test_a_bucket_lets_in_its_limit_and_its_burst(burst_seconds: float) -> None:
    limits = Limits(Behaviour(requests_per_minute=600, burst_seconds=burst_seconds), (), 0)
    let_in = 0
    for tick in range(10_000):
        try:
            limits.take({"requests": 1}, tick / 100)
            let_in += 1
        except Problem:
            continue
    assert abs(let_in - (1000 + 10 * burst_seconds)) <= 1


def test_an_amount_over_the_bucket_waits_for_a_full_one_and_leaves_a_debt() -> None:
    bucket = Bucket(60, 10, now=0)
    assert bucket.wait_seconds(25, now=0) == 0
    bucket.held -= 25
    assert bucket.wait_seconds(1, now=0) == 16
    assert bucket.wait_seconds(25, now=5) == 20


def test_durations_are_written_as_go_writes_them() -> None:
    assert [duration(each) for each in (0.02, 1, 1.5, 360)] == ["20ms", "1s", "1.5s", "6m0s"]
