import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.provider import Asked, Behaviour, Provider, read_asked
from tests.provider.clients import Talk, talk


def test_every_request_is_recorded_once_with_what_it_is_billed(tmp_path: Path) -> None:
    async def ask() -> list[Asked]:
        async with Provider(Behaviour(models=("m",)), log=tmp_path / "log") as provider:
            async with ClientSession(provider.url) as client:
                for model in ("m", "n"):
                    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
                    await client.post("/v1/chat/completions", json=body, headers={"Authorization": "Bearer sk-secret"})
            return provider.asked

    answered, missing = asyncio.run(ask())
    assert read_asked(tmp_path / "log") == [answered, missing]
    assert (answered.api, answered.model, answered.last_user, answered.status) == ("chat", "m", "hello", 200)
    assert (answered.billed, answered.input_tokens, answered.output_tokens) == (True, 5, 4)
    assert (missing.status, missing.billed, missing.input_tokens) == (404, False, 0)
    assert answered.digest != missing.digest
    assert answered.started <= answered.ended <= missing.started
    assert "sk-secret" not in (tmp_path / "log").read_text()


def test_a_record_is_written_before_its_answer_is_sent(tmp_path: Path) -> None:
    async def ask() -> None:
        async with Provider(log=tmp_path / "log") as provider, ClientSession(provider.url) as client:
            for at in range(20):
                await client.post("/v1/responses", json={"model": "m", "input": str(at)})
                assert len(read_asked(tmp_path / "log")) == at + 1

    asyncio.run(ask())


def test_who_leaves_during_the_wait_is_billed_all_the_same() -> None:
    async def ask() -> list[Asked]:
        async with talk(latency_seconds=0.6, timeout_seconds=0.3) as clients:
            await asyncio.gather(*(clients.response(str(at)) for at in range(5)), return_exceptions=True)
            while clients.provider.in_flight:
                await asyncio.sleep(0.01)
            return clients.provider.asked

    asked = asyncio.run(ask())
    assert [(each.billed, each.client_left, each.status) for each in asked] == [(True, True, 200)] * 5


def test_a_provider_with_requests_in_flight_closes_at_once_and_loses_no_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> tuple[float, list[Any]]:
        provider = Provider(Behaviour(hang_share=0.5, latency_seconds=60), log=tmp_path / "log")
        async with ClientSession() as client:
            async with provider:
                post = f"{provider.openai_url}/responses"
                asks = [client.post(post, json={"model": "m", "input": str(at)}) for at in range(40)]
                tasks = [asyncio.create_task(_status(each)) for each in asks]
                while provider.in_flight < 40:
                    await asyncio.sleep(0.01)
                for task in tasks[:5]:
                    task.cancel()
                await asyncio.sleep(0.01)
                began = time.monotonic()
            return time.monotonic() - began, await asyncio.gather(*tasks, return_exceptions=True)

    async def _status(ask: Any) -> int:
        async with ask as response:
            return response.status

    with caplog.at_level(logging.WARNING):
        seconds, statuses = asyncio.run(ask())
    assert seconds < 1
    asked = read_asked(tmp_path / "log")
    assert len(asked) == 40
    assert sum(each.client_left for each in asked) == 5
    assert statuses.count(200) == sum(each.billed and not each.client_left for each in asked)
    assert not caplog.records


def test_the_same_body_gets_the_same_answer_unless_it_is_sampled() -> None:
    async def ask() -> list[list[str]]:
        async with talk() as clients:
            return [await _texts(clients), await _texts(clients, temperature=0.7), await _texts(clients, temperature=0)]

    async def _texts(clients: Talk, **rest: Any) -> list[str]:
        return [(await clients.chat(**rest)).choices[0].message.content for _ in range(3)]

    greedy, sampled, cold = asyncio.run(ask())
    assert greedy == cold == ["answer to: hello"] * 3
    assert sampled == ["answer to: hello", "answer to: hello #2", "answer to: hello #3"]


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    async def ask() -> list[str]:
        async with Provider() as provider, ClientSession(provider.url) as client:
            for body in ({"model": "m", "input": "a"}, {"input": "a", "model": "m"}, {"model": "m", "input": "b"}):
                await client.post("/v1/responses", json=body)
            return [each.digest for each in provider.asked]

    same, again, other = asyncio.run(ask())
    assert same == again != other


def test_counts_are_reported_and_kept_without_memory() -> None:
    async def ask(memory: bool) -> dict[str, Any]:
        async with Provider(memory=memory) as provider, ClientSession(provider.url) as client:
            bodies = ({"model": "m", "input": "hello"}, {"model": "m"})
            await asyncio.gather(*(client.post("/v1/responses", json=body) for body in bodies))
            return await (await client.get("/_asked")).json()

    kept, counted = asyncio.run(ask(True)), asyncio.run(ask(False))
    assert [each["status"] for each in kept["asked"]] == [200, 400]
    assert counted["asked"] == []
    assert counted["counts"] == kept["counts"]
    expected = {"requests": 2, "billed": 1, "refused": 0, "in_flight": 0, "statuses": {"200": 1, "400": 1}}
    assert kept["counts"].items() >= (expected | {"faults": {}, "input_tokens": 5}).items()


def test_a_behaviour_can_be_replaced_over_http() -> None:
    async def ask() -> list[int]:
        async with Provider() as provider, ClientSession(provider.url) as client:
            statuses = []
            for behaviour in ({"models": ["a"]}, {"model": "a"}, {}):
                statuses.append((await client.put("/_behaviour", data=json.dumps(behaviour))).status)
                statuses.append((await client.post("/v1/responses", json={"model": "b", "input": "a"})).status)
            return statuses

    assert asyncio.run(ask()) == [200, 404, 400, 404, 200, 200]


def test_hundreds_of_requests_may_be_in_flight_at_once() -> None:
    async def ask() -> tuple[int, int]:
        async with talk(latency_seconds=0.5) as clients:
            await asyncio.gather(*(clients.response(str(at)) for at in range(200)))
            return clients.provider.most_in_flight, clients.provider.in_flight

    assert asyncio.run(ask()) == (200, 0)
