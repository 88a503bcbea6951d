import asyncio
from typing import Any

from anthropic.types import Message, ModelInfo

from tests.provider.clients import Talk, talk
from tests.provider.test_openai import SCHEMA


def message(text: str = "hello", behaviour: dict[str, Any] | None = None, /, **rest: Any) -> Message:
    async def ask() -> Message:
        async with talk(**behaviour or {}) as clients:
            return await clients.message(text, **rest)

    return Message.model_validate(asyncio.run(ask()).model_dump())


def texts(answer: Message) -> list[str]:
    return [block.text for block in answer.content if block.type == "text"]


def test_a_message_is_answered_and_its_tokens_are_counted() -> None:
    answer = message("How are you?", system="Be kind.")
    assert texts(answer) == ["answer to: How are you?"]
    assert (answer.model, answer.stop_reason) == ("m-2026-01-01", "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (5 + 6, 6)


def test_an_answer_over_the_limit_is_cut() -> None:
    answer = message(max_tokens=2)
    assert (texts(answer), answer.stop_reason, answer.usage.output_tokens) == (["answer t"], "max_tokens", 2)


def test_thinking_is_a_block_before_the_text() -> None:
    for thinking in ({"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}):
        answer = message(thinking=thinking, max_tokens=2048)
        assert [block.type for block in answer.content] == ["thinking", "text"]
        assert answer.usage.output_tokens == 8 + 4
    omitted = message(thinking={"type": "adaptive", "display": "omitted"}).content[0]
    assert omitted.type == "thinking"
    assert omitted.thinking == ""
    assert [block.type for block in message(thinking={"type": "disabled"}).content] == ["text"]


def test_structured_output_follows_its_schema() -> None:
    format_ = {"type": "json_schema", "schema": SCHEMA}
    assert texts(message(output_config={"format": format_})) == ['{"label": "good"}']


def test_a_refusal_has_no_content() -> None:
    answer = message("a bomb", {"refuse_containing": "bomb"})
    assert (answer.stop_reason, answer.content) == ("refusal", [])
    assert answer.stop_details
    assert answer.stop_details.type == "refusal"
    assert answer.usage.output_tokens


async def usages(clients: Talk, **block: Any) -> list[tuple[int, int | None, int | None]]:
    system = [{"type": "text", "text": "s" * 4096, **block}]
    answers = [await clients.message(text, system=system) for text in ("one", "two")]
    return [
        (each.usage.input_tokens, each.usage.cache_creation_input_tokens, each.usage.cache_read_input_tokens)
        for each in answers
    ]


def test_a_marked_system_prompt_is_written_to_the_cache_then_read_from_it() -> None:
    async def ask() -> tuple[list[tuple[int, int | None, int | None]], ...]:
        async with talk() as clients:
            return await usages(clients), await usages(clients, cache_control={"type": "ephemeral"})

    unmarked, marked = asyncio.run(ask())
    assert unmarked == [(1031, 0, 0), (1031, 0, 0)]
    assert marked == [(7, 1024, 0), (7, 0, 1024)]


def test_models_are_listed() -> None:
    async def ask() -> list[ModelInfo]:
        async with talk(models=("a", "b")) as clients:
            return [model async for model in clients.anthropic.models.list()]

    assert [ModelInfo.model_validate(model.model_dump()).id for model in asyncio.run(ask())] == ["a", "b"]
