import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.models import Answer, OpenAI, Request
from tasks.models.live.service import Reply
from tasks.models.openai import read_chat, read_response
from tasks.rows import Message
from tests.provider import Behaviour, provider_thread

SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
TURNS = [Message(role="system", content="Be brief."), Message(role="user", content="Where is my tent?")]
REQUEST = Request(messages=TURNS, max_output_tokens=50)


def model(**settings: Any) -> OpenAI:
    return OpenAI.model_validate({"provider": "openai", "model": "gpt-4o-mini"} | settings)


def asked(**changes: Any) -> Request:
    return REQUEST.model_copy(update=changes)


def test_a_chat_is_asked_with_no_more_than_what_is_set() -> None:
    assert model().body(REQUEST) == {"model": "gpt-4o-mini", "messages": TURNS, "max_completion_tokens": 50}


def test_a_chat_is_asked_with_all_that_is_set() -> None:
    settings = {"reasoning_effort": "low", "reasoning_tokens": 200, "seed": 7, "top_p": 0.9}
    extra = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
    assert model(**settings, **extra).body(asked(temperature=0.0, sample=2, output_schema=SCHEMA)) == {
        "model": "gpt-4o-mini",
        "messages": TURNS,
        "max_completion_tokens": 250,
        "temperature": 0.0,
        "top_p": 0.9,
        "seed": 9,
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
        },
        "chat_template_kwargs": {"enable_thinking": False},
    }


def test_a_response_is_asked_with_no_more_than_what_is_set() -> None:
    assert model(api="responses").body(REQUEST) == {
        "model": "gpt-4o-mini",
        "input": TURNS,
        "max_output_tokens": 50,
        "store": False,
    }


def test_a_response_is_asked_with_all_that_is_set() -> None:
    thinks = {"reasoning_effort": "high", "reasoning_summary": "auto", "reasoning_tokens": 200}
    given = model(api="responses", **thinks, top_p=0.9, extra_body={"user": "u"})
    assert given.body(asked(temperature=0.5, output_schema=SCHEMA)) == {
        "model": "gpt-4o-mini",
        "input": TURNS,
        "max_output_tokens": 250,
        "store": False,
        "temperature": 0.5,
        "top_p": 0.9,
        "reasoning": {"effort": "high", "summary": "auto"},
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": True}},
        "user": "u",
    }


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "max_completion_tokens"),
        ({"base_url": "http://localhost:8000/v1"}, "max_tokens"),
        (
            {"base_url": "https://shop.openai.azure.com", "limit_field": "max_completion_tokens"},
            "max_completion_tokens",
        ),
        ({"limit_field": "max_tokens"}, "max_tokens"),
    ],
)
def test_the_limit_is_named_as_the_service_names_it(settings: dict[str, Any], field: str) -> None:
    assert {name for name in model(**settings).body(REQUEST) if name.startswith("max_")} == {field}


def test_each_sample_has_a_seed_of_its_own_and_none_where_none_is_set() -> None:
    assert [model(seed=3).body(asked(sample=sample))["seed"] for sample in range(3)] == [3, 4, 5]
    assert "seed" not in model().body(asked(sample=2))


def test_a_field_of_ones_own_stands_above_ours_and_null_takes_it_away() -> None:
    assert model(extra_body={"top_p": 0.5}, top_p=0.9).body(REQUEST)["top_p"] == 0.5
    assert "store" not in model(api="responses", extra_body={"store": None}).body(REQUEST)


def test_the_longest_answer_counts_against_the_limit_of_tokens() -> None:
    assert model(reasoning_tokens=200).weight(REQUEST) >= 250
    assert model(reasoning_tokens=200).longest_output(REQUEST) == 250


PLAIN = {"provider": "openai", "service": "openai", "api": "chat", "model": "gpt-4o-mini"}


def test_what_is_not_set_is_not_in_the_identity() -> None:
    assert model().identity() == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-4o"},
        {"api": "responses"},
        {"reasoning_effort": "low"},
        {"reasoning_summary": "auto"},
        {"reasoning_tokens": 100},
        {"seed": 0},
        {"top_p": 0.5},
        {"extra_body": {"top_k": 20}},
        {"service": "shop"},
        {"base_url": "https://api.together.xyz/v1"},
        {"base_url": "http://localhost:8000/v1"},
    ],
)
def test_whatever_decides_an_answer_is_in_the_identity(change: dict[str, Any]) -> None:
    assert model(**change).identity() != PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"price": {"input_usd": 1, "output_usd": 2}},
        {"pace": {"max_in_flight": 3, "timeout_seconds": 9}},
        {"api_key_env": "SHOP_KEY"},
        {"mode": "batch"},
        {"limit_field": "max_tokens"},
    ],
)
def test_whatever_decides_no_answer_is_not_in_the_identity(change: dict[str, Any]) -> None:
    assert model(**change).identity() == PLAIN


def test_the_port_and_the_path_are_not_in_the_identity() -> None:
    urls = ("http://localhost:8000/v1", "http://localhost:8001/v1", "https://LOCALHOST/other/v1")
    assert len({str(model(base_url=url).identity()) for url in urls}) == 1


def test_a_service_with_a_name_may_move() -> None:
    urls = ("http://one.example/v1", "http://other.example/v1", None)
    assert len({str(model(base_url=url, service="shop").identity()) for url in urls}) == 1


def test_every_setting_is_tested_above_to_be_in_the_identity_or_not() -> None:
    decides = {
        "model",
        "api",
        "reasoning_effort",
        "reasoning_summary",
        "reasoning_tokens",
        "seed",
        "top_p",
        "extra_body",
        "service",
    }
    does_not = {"provider", "base_url", "price", "pace", "api_key_env", "limit_field", "mode"}
    assert set(OpenAI.model_fields) == decides | does_not


def test_a_setting_by_another_name_is_an_error() -> None:
    with pytest.raises(ValidationError):
        model(max_retries=3)


def completion(**message: Any) -> dict[str, Any]:
    reason = message.pop("finish_reason", "stop")
    return {"model": "gpt-4o-mini-2024-07-18", "choices": [{"message": message, "finish_reason": reason}]}


def test_a_chat_completion_is_read_with_all_its_tokens() -> None:
    usage = {
        "prompt_tokens": 1200,
        "completion_tokens": 30,
        "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 128},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }
    assert read_chat(completion(content="In the hall.") | {"usage": usage}) == Answer(
        text="In the hall.",
        finish_reason="stop",
        model="gpt-4o-mini-2024-07-18",
        input_tokens=1200,
        cached_tokens=1024,
        cache_write_tokens=128,
        output_tokens=30,
        reasoning_tokens=20,
    )


@pytest.mark.parametrize("usage", [{}, {"usage": None}, {"usage": {"prompt_tokens": None}}])
def test_a_service_that_counts_no_tokens_is_read(usage: dict[str, Any]) -> None:
    assert read_chat(completion(content="a") | usage).input_tokens == 0


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_the_reasoning_of_a_chat_is_kept_apart_from_its_text(field: str) -> None:
    answer = read_chat(completion(content="In the hall.", **{field: "Tents are in the hall."}))
    assert (answer.text, answer.reasoning) == ("In the hall.", "Tents are in the hall.")


def test_the_parts_of_a_chats_text_are_joined() -> None:
    parts = [{"type": "text", "text": "In "}, {"type": "text", "text": "the hall."}, {"type": "image_url"}]
    assert read_chat(completion(content=parts)).text == "In the hall."


def test_a_refusal_a_filter_and_a_cut_are_told_apart() -> None:
    refused = read_chat(completion(content=None, refusal="I cannot."))
    assert (refused.text, refused.finish_reason) == ("I cannot.", "refusal")
    assert read_chat(completion(content="", finish_reason="content_filter")).finish_reason == "content_filter"
    assert read_chat(completion(content="In th", finish_reason="length")).finish_reason == "length"
    assert read_chat(completion(content="In the hall.", finish_reason=None)).finish_reason == "stop"


def response(*items: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"model": "gpt-5.1", "status": "completed", "output": list(items), "error": None} | rest


def said(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": list(parts)}


def written(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def test_a_response_is_read_with_its_reasoning_apart_and_all_its_tokens() -> None:
    thoughts = [{"type": "summary_text", "text": "Tents."}, {"type": "summary_text", "text": "The hall."}]
    usage = {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 128},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 20},
    }
    items = [{"type": "reasoning", "summary": thoughts}, said(written("In "), written("the hall."))]
    assert read_response(response(*items, usage=usage)) == Answer(
        text="In the hall.",
        finish_reason="stop",
        model="gpt-5.1",
        reasoning="Tents.\nThe hall.",
        input_tokens=1200,
        cached_tokens=1024,
        cache_write_tokens=128,
        output_tokens=30,
        reasoning_tokens=20,
    )


def test_the_whole_reasoning_of_an_open_model_is_read() -> None:
    whole = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Tents."}]}
    assert read_response(response(whole, said(written("In the hall.")))).reasoning == "Tents."


def test_a_response_that_is_incomplete_says_why() -> None:
    for reason in ("max_output_tokens", "content_filter"):
        cut = response(said(written("In th")), status="incomplete", incomplete_details={"reason": reason})
        assert (read_response(cut).text, read_response(cut).finish_reason) == ("In th", reason)


def test_a_response_may_be_all_reasoning() -> None:
    cut = response(
        {"type": "reasoning", "summary": []}, status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )
    assert (read_response(cut).text, read_response(cut).finish_reason) == ("", "max_output_tokens")


def test_a_response_may_be_a_refusal() -> None:
    refused = read_response(response(said({"type": "refusal", "refusal": "I cannot."})))
    assert (refused.text, refused.finish_reason) == ("I cannot.", "refusal")


@pytest.mark.parametrize("status", ["failed", "in_progress", "cancelled", "queued", None])
def test_a_response_that_is_not_over_is_no_answer(status: str | None) -> None:
    with pytest.raises(ValueError, match=str(status)):
        read_response(response(status=status))


def test_an_error_in_a_body_that_came_with_200_is_no_answer() -> None:
    for body in ({"error": {"message": "upstream failed"}}, response(error={"code": "server_error", "message": "no"})):
        with pytest.raises(ValueError, match=r"upstream|server_error"):
            model().read(body)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_what_is_asked_arrives_and_the_reasoning_comes_back(api: str) -> None:
    system = "You answer the customers of a shop for tents. " * 100
    turns = [Message(role="system", content=system), Message(role="user", content="Where?")]
    request = Request(messages=turns, max_output_tokens=50, temperature=1.0)

    async def send(service: OpenAI) -> list[Any]:
        client = service.connect()
        replies = [await service.send(client, each) for each in (request, request.model_copy(update={"sample": 1}))]
        await client.close()
        return replies

    with provider_thread(Behaviour()) as provider:
        settings = {"api": api, "base_url": provider.openai_url, "reasoning_effort": "low", "reasoning_tokens": 100}
        settings |= {"reasoning_summary": "auto"} if api == "responses" else {}
        first, second = asyncio.run(send(model(**settings)))
        assert [each.api for each in provider.asked] == [api] * 2
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert first.answer.text == "answer to: Where?"
    assert first.answer.reasoning
    assert first.answer.reasoning not in first.answer.text
    assert 0 < first.answer.reasoning_tokens < first.answer.output_tokens
    assert (first.answer.cached_tokens, second.answer.cached_tokens > 1000) == (0, True)
