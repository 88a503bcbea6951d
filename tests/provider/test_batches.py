import asyncio
import json
from typing import Any

import anthropic
import openai
import pytest

from tests.provider import Asked
from tests.provider.clients import Talk, talk

HOUR = 3600.0


def line(custom_id: str, model: str = "m") -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": custom_id}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


async def submit(clients: Talk, *lines: dict[str, Any]) -> Any:
    content = "".join(json.dumps(each) + "\n" for each in lines).encode()
    file = await clients.openai.files.create(file=("lines.jsonl", content), purpose="batch")
    made = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": {"ours": "7"}}
    return await clients.openai.batches.create(input_file_id=file.id, **made)  # type: ignore


async def submit_messages(clients: Talk, *ids: str) -> Any:
    asked: list[Any] = [
        {"custom_id": id, "params": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": id}]}}
        for id in ids
    ]
    return await clients.anthropic.messages.batches.create(requests=asked)


def test_a_batch_takes_its_time_and_each_request_is_answered_once() -> None:
    async def ask() -> tuple[list[Any], list[dict[str, Any]], list[Asked]]:
        async with talk(batch_seconds=HOUR) as clients:
            made = await submit(clients, line("a"), line("b"))
            waits = await clients.openai.batches.retrieve(made.id)
            clients.provider.clock.move(HOUR)
            for _ in range(2):
                over = await clients.openai.batches.retrieve(made.id)
            content = await clients.openai.files.content(over.output_file_id or "")
            lines = [json.loads(each) for each in content.text.splitlines()]
            return [made, waits, over], lines, clients.provider.asked

    (made, waits, over), lines, asked = asyncio.run(ask())
    assert [made.status, waits.status, over.status] == ["validating", "in_progress", "completed"]
    assert over.metadata == {"ours": "7"}
    assert (over.request_counts.total, over.request_counts.completed) == (2, 2)
    said = {each["custom_id"]: each["response"]["body"]["choices"][0]["message"]["content"] for each in lines}
    assert said == {"a": "answer to: a", "b": "answer to: b"}
    assert sorted(each.last_user for each in asked) == ["a", "b"]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line("a"), line("a")], "duplicate_custom_id"),
        ([line("a"), line("b", "n")], "mismatched_model"),
        ([line("a") | {"url": "/v1/responses"}], "invalid_url"),
        ([{"custom_id": "a"}], "invalid_json_line"),
    ],
)
def test_a_file_that_is_not_in_order_fails_as_a_whole(lines: list[dict[str, Any]], code: str) -> None:
    async def ask() -> Any:
        async with talk() as clients:
            return await clients.openai.batches.retrieve((await submit(clients, *lines)).id)

    batch = asyncio.run(ask())
    assert batch.status == "failed"
    assert batch.errors.data[0].code == code


@pytest.mark.parametrize("cancels", [False, True])
def test_a_batch_may_end_half_done(cancels: bool) -> None:
    async def ask() -> tuple[list[str], list[str]]:
        async with talk(batch_seconds=HOUR, batch_share=0.5) as clients:
            one, two = await submit(clients, line("a"), line("b")), await submit_messages(clients, "a", "b")
            clients.provider.clock.move(HOUR if cancels else 24 * HOUR)
            if cancels:
                await clients.openai.batches.cancel(one.id)
                await clients.anthropic.messages.batches.cancel(two.id)
            batch = await clients.openai.batches.retrieve(one.id)
            error = json.loads((await clients.openai.files.content(batch.error_file_id or "")).text)
            results = [each.result.type async for each in await clients.anthropic.messages.batches.results(two.id)]
            return [batch.status, error["error"]["code"]], sorted(results)

    found, results = asyncio.run(ask())
    assert found == (["cancelled", "batch_cancelled"] if cancels else ["expired", "batch_expired"])
    assert results == (["canceled", "succeeded"] if cancels else ["expired", "succeeded"])


def test_a_message_batch_wants_ids_of_its_form_that_are_unique() -> None:
    async def ask(*ids: str) -> None:
        async with talk() as clients:
            with pytest.raises(anthropic.BadRequestError, match="custom_id"):
                await submit_messages(clients, *ids)

    asyncio.run(ask("a", "a"))
    asyncio.run(ask("not a word"))


def test_batches_are_listed_the_newest_first_and_forgotten_where_told() -> None:
    async def ask() -> None:
        async with talk() as clients:
            made = [(await submit(clients, line("a"))).id for _ in range(3)]
            assert [each.id async for each in clients.openai.batches.list(limit=2)] == made[::-1]
            messages = [(await submit_messages(clients, "a")).id for _ in range(3)]
            assert [each.id async for each in clients.anthropic.messages.batches.list(limit=2)] == messages[::-1]
            clients.provider.behaviour = clients.provider.behaviour.model_copy(update={"batch_forgotten": True})
            with pytest.raises(openai.NotFoundError, match="No such batch"):
                await clients.openai.batches.retrieve(made[0])
            with pytest.raises(anthropic.NotFoundError):
                await clients.anthropic.messages.batches.retrieve(messages[0])

    asyncio.run(ask())
