import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import pytest

from tests.provider import Asked, Behaviour
from tests.provider.clients import Talk, talk
from tests.provider.faults import drawn, latency_seconds


def outcomes(ask: Callable[[Talk], Awaitable[Any]], **behaviour: Any) -> tuple[Any, list[Asked]]:
    async def run() -> tuple[Any, list[Asked]]:
        async with talk(**behaviour) as clients:
            return await ask(clients), clients.provider.asked

    return asyncio.run(run())


def test_a_hanging_request_is_recorded_when_the_client_leaves() -> None:
    async def ask(clients: Talk) -> list[Any]:
        answers = await clients.all()
        while clients.provider.in_flight:
            await asyncio.sleep(0.01)
        return answers

    answers, asked = outcomes(ask, hang_share=1, timeout_seconds=0.2)
    kinds = (openai.APITimeoutError, openai.APITimeoutError, anthropic.APITimeoutError)
    assert [type(answer) for answer in answers] == list(kinds)
    assert [(each.fault, each.client_left, each.billed) for each in asked] == [("hang", True, False)] * 3


def test_a_hanging_request_is_given_up_after_a_time() -> None:
    answers, asked = outcomes(Talk.all, hang_share=1, hang_seconds=0.05)
    assert isinstance(answers[0], openai.APIConnectionError)
    assert [each.client_left for each in asked] == [False] * 3


@pytest.mark.parametrize(("fault", "billed"), [("reset", False), ("truncated", True)])
def test_a_broken_connection_is_an_error_of_the_sdk(fault: str, billed: bool) -> None:
    answers, asked = outcomes(Talk.all, **{f"{fault}_share": 1})
    kinds = (openai.APIConnectionError, openai.APIConnectionError, anthropic.APIConnectionError)
    assert [isinstance(answer, kind) for answer, kind in zip(answers, kinds, strict=True)] == [True] * 3, answers
    assert [(each.fault, each.billed, bool(each.output_tokens)) for each in asked] == [(fault, billed, billed)] * 3


def test_a_body_that_is_no_json_is_billed() -> None:
    answers, asked = outcomes(Talk.all, bad_json_share=1)
    assert all(isinstance(answer, Exception) for answer in answers), answers
    assert [(each.status, each.billed) for each in asked] == [(200, True)] * 3


def test_a_body_meets_few_faults_and_then_gets_through() -> None:
    async def ask(clients: Talk) -> list[bool]:
        answers = [(await clients.all())[0] for _ in range(4)]
        return [isinstance(answer, Exception) for answer in answers]

    assert outcomes(ask, error_share=1)[0] == [True, True, False, False]
    assert outcomes(ask, error_share=1, faults_at_most=None)[0] == [True] * 4


def test_faults_are_as_many_as_their_shares_and_the_same_twice() -> None:
    behaviour = Behaviour(error_share=0.1, hang_share=0.3)
    faults = [drawn(behaviour, str(at), 0) for at in range(5000)]
    assert faults == [drawn(behaviour, str(at), 0) for at in range(5000)]
    assert abs(faults.count("error") / 5000 - 0.1) < 0.02
    assert abs(faults.count("hang") / 5000 - 0.3) < 0.02
    assert faults != [drawn(behaviour.model_copy(update={"seed": 1}), str(at), 0) for at in range(5000)]
    assert faults != [drawn(behaviour, str(at), 1) for at in range(5000)]


def test_latency_spreads_and_grows_with_load() -> None:
    spread = Behaviour(latency_seconds=1, latency_spread=0.5)
    seconds = [latency_seconds(spread, str(at), 0, 1) for at in range(500)]
    assert 0.5 <= min(seconds) < 0.6
    assert 1.4 < max(seconds) <= 1.5
    assert latency_seconds(Behaviour(latency_seconds=1, latency_per_in_flight_seconds=0.1), "", 0, 20) == 3


def test_an_outage_ends() -> None:
    async def ask(clients: Talk) -> list[bool]:
        return [isinstance((await clients.all(str(at)))[0], Exception) for at in range(5)]

    failed, asked = outcomes(ask, outage_after=3, outage_requests=6)
    assert failed == [False, True, True, False, False]
    assert [each.fault for each in asked] == [""] * 3 + ["outage"] * 6 + [""] * 6


def test_credit_ends_until_there_is_more() -> None:
    async def ask(clients: Talk) -> list[int]:
        await clients.all()
        clients.provider.behaviour = Behaviour()
        await clients.all()
        return [clients.provider.billed, clients.provider.refused]

    assert outcomes(ask, credit_requests=1)[0] == [1 + 3, 1]
