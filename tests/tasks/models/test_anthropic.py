import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.models import Answer, Anthropic, Request
from tasks.models.anthropic import read_message
from tasks.models.live.service import Reply
from tasks.models.request import CUT_OFF, REFUSED
from tasks.rows import Message
from tests.provider import Behaviour, provider_thread

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
USER = Message(role="user", content="Where is my tent?")
SYSTEM = Message(role="system", content="Be brief.")
REQUEST = Request(messages=[SYSTEM, USER], max_output_tokens=50)


def model(**settings: Any) -> Anthropic:
    return Anthropic.model_validate({"provider": "anthropic", "model": "claude-sonnet-4-5"} | settings)


def asked(**changes: Any) -> Request:
    return REQUEST.model_copy(update=changes)


def test_a_message_is_asked_with_no_more_than_what_is_set() -> None:
    assert model().body(asked(messages=[USER])) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 50,
        "messages": [USER],
    }


def test_the_system_prompt_stands_apart_and_is_kept_by_the_provider() -> None:
    body = model().body(REQUEST)
    assert body["messages"] == [USER]
    assert body["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert model(cache_prompt=False).body(REQUEST)["system"] == [{"type": "text", "text": "Be brief."}]


def test_several_system_prompts_are_one() -> None:
    later = Message(role="system", content="Be kind.")
    assert model().body(asked(messages=[SYSTEM, USER, later]))["system"][0]["text"] == "Be brief.\n\nBe kind."


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_system_prompt_is_not_sent(text: str) -> None:
    assert "system" not in model().body(asked(messages=[Message(role="system", content=text), USER]))


def test_a_message_is_asked_with_all_that_is_set() -> None:
    given = model(thinking_tokens=2000, effort="medium", top_p=0.9, extra_body={"inference_geo": "eu"})
    assert given.body(asked(messages=[USER], temperature=0.0, output_schema=SCHEMA)) == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 2050,
        "messages": [USER],
        "temperature": 0.0,
        "top_p": 0.9,
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "effort": "medium"},
        "inference_geo": "eu",
    }


def test_a_model_may_decide_itself_how_long_it_thinks() -> None:
    body = model(adaptive_thinking=True).body(REQUEST)
    assert (body["thinking"], body["max_tokens"]) == ({"type": "adaptive"}, 50)


def test_effort_and_a_schema_may_stand_alone() -> None:
    assert model(effort="low").body(REQUEST)["output_config"] == {"effort": "low"}
    format_ = {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert model().body(asked(output_schema=SCHEMA))["output_config"] == format_


def test_a_sample_is_asked_as_its_first_is() -> None:
    assert model().body(asked(sample=3)) == model().body(REQUEST)


def test_thinking_is_billed_as_written_and_does_not_count_as_read() -> None:
    assert model(thinking_tokens=2000).longest_output(REQUEST) == 2050
    assert model(thinking_tokens=2000).weight(REQUEST) < 50


PLAIN = {"provider": "anthropic", "service": "anthropic", "model": "claude-sonnet-4-5"}


def test_what_is_not_set_is_not_in_the_identity() -> None:
    assert model().identity() == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"model": "claude-haiku-4-5"},
        {"thinking_tokens": 1024},
        {"adaptive_thinking": True},
        {"effort": "low"},
        {"top_p": 0.5},
        {"extra_body": {"top_k": 20}},
        {"service": "shop"},
        {"base_url": "https://gateway.example"},
    ],
)
def test_whatever_decides_an_answer_is_in_the_identity(change: dict[str, Any]) -> None:
    assert model(**change).identity() != PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"price": {"input_usd": 1, "output_usd": 2}},
        {"pace": {"max_in_flight": 3}},
        {"api_key_env": "SHOP_KEY"},
        {"mode": "batch"},
        {"cache_prompt": False},
    ],
)
def test_whatever_decides_no_answer_is_not_in_the_identity(change: dict[str, Any]) -> None:
    assert model(**change).identity() == PLAIN


def test_the_port_is_not_in_the_identity() -> None:
    there, here = (model(base_url=f"http://localhost:{port}").identity() for port in (8000, 8001))
    assert there == here


def test_every_setting_is_tested_above_to_be_in_the_identity_or_not() -> None:
    decides = {"model", "thinking_tokens", "adaptive_thinking", "effort", "top_p", "extra_body", "service"}
    does_not = {"provider", "base_url", "price", "pace", "api_key_env", "cache_prompt", "mode"}
    assert set(Anthropic.model_fields) == decides | does_not


def test_a_budget_for_thinking_that_the_api_does_not_take_is_an_error() -> None:
    with pytest.raises(ValidationError):
        model(thinking_tokens=1000)


def message(*blocks: dict[str, Any], stop_reason: str | None = "end_turn", **usage: Any) -> dict[str, Any]:
    return {
        "model": "claude-sonnet-4-5-20250929",
        "content": list(blocks),
        "stop_reason": stop_reason,
        "usage": {"input_tokens": 10, "output_tokens": 5} | usage,
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, "citations": None}


def test_a_message_is_read_with_what_was_thought_apart() -> None:
    thought = {"type": "thinking", "thinking": "Tents are in the hall.", "signature": "s"}
    hidden = {"type": "redacted_thinking", "data": "…"}
    said = message(thought, hidden, text("In "), text("the hall."), output_tokens_details={"thinking_tokens": 3})
    assert read_message(said) == Answer(
        text="In the hall.",
        finish_reason="end_turn",
        model="claude-sonnet-4-5-20250929",
        reasoning="Tents are in the hall.",
        input_tokens=10,
        output_tokens=5,
        reasoning_tokens=3,
    )


def test_tokens_of_the_cache_are_input_tokens_too() -> None:
    answer = read_message(message(text("a"), cache_read_input_tokens=1000, cache_creation_input_tokens=200))
    assert (answer.input_tokens, answer.cached_tokens, answer.cache_write_tokens) == (1210, 1000, 200)


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None}])
def test_a_service_that_counts_no_tokens_is_read(usage: dict[str, Any] | None) -> None:
    assert read_message(message(text("a")) | {"usage": usage}).input_tokens == 0


def test_a_refusal_and_a_cut_are_told_apart() -> None:
    assert read_message(message(stop_reason="refusal")).finish_reason in REFUSED
    for reason in ("max_tokens", "model_context_window_exceeded"):
        assert read_message(message(text("In th"), stop_reason=reason)).finish_reason in CUT_OFF


def test_what_is_asked_arrives_and_the_cache_is_paid_for() -> None:
    system = Message(role="system", content="You answer the customers of a shop for tents. " * 100)
    request = Request(messages=[system, USER], max_output_tokens=50)

    async def send(service: Anthropic) -> list[Any]:
        client = service.connect()
        replies = [await service.send(client, request) for _ in range(2)]
        await client.close()
        return replies

    price = {"input_usd": 3.0, "output_usd": 15.0, "cached_usd": 0.3, "cache_write_usd": 3.75}
    with provider_thread(Behaviour()) as provider:
        first, second = asyncio.run(send(model(base_url=provider.url, price=price, thinking_tokens=1024)))
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert first.answer.text == "answer to: Where is my tent?"
    assert first.answer.reasoning
    assert first.answer.reasoning not in first.answer.text
    written, read = first.answer.cache_write_tokens, second.answer.cached_tokens
    assert written == read > 1000
    assert first.answer.nanodollars
    assert second.answer.nanodollars
    assert first.answer.nanodollars - second.answer.nanodollars == written * (3750 - 300)
