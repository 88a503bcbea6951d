import asyncio
import time
from typing import Any

from openai.types import Model
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from tests.provider.clients import talk

SCHEMA = {"type": "object", "properties": {"label": {"enum": ["good", "bad"]}}, "required": ["label"]}


def chat(text: str = "hello", behaviour: dict[str, Any] | None = None, /, **rest: Any) -> ChatCompletion:
    async def ask() -> ChatCompletion:
        async with talk(**behaviour or {}) as clients:
            return await clients.chat(text, **rest)

    return ChatCompletion.model_validate(asyncio.run(ask()).model_dump())


def response(text: str = "hello", behaviour: dict[str, Any] | None = None, /, **rest: Any) -> Response:
    async def ask() -> Response:
        async with talk(**behaviour or {}) as clients:
            return await clients.response(text, **rest)

    return Response.model_validate(asyncio.run(ask()).model_dump(exclude_unset=True))


def test_a_chat_is_answered_and_its_tokens_are_counted() -> None:
    answer = chat("How are you?")
    assert answer.model == "m-2026-01-01"
    assert abs(answer.created - time.time()) < 60
    assert answer.id.startswith("chatcmpl-")
    assert answer.choices[0].message.content == "answer to: How are you?"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage
    assert answer.usage.prompt_tokens == 3 + 3
    assert answer.usage.completion_tokens == 6
    assert answer.usage.total_tokens == 12


def test_a_response_is_answered_and_its_tokens_are_counted() -> None:
    answer = response("How are you?")
    assert answer.output_text == "answer to: How are you?"
    assert (answer.status, answer.incomplete_details) == ("completed", None)
    assert answer.usage
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (6, 6)


def test_an_answer_over_the_limit_is_cut() -> None:
    for limit in ({"max_tokens": 2}, {"max_completion_tokens": 2}):
        cut = chat(**limit)
        assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("answer t", "length")
        assert cut.usage
        assert cut.usage.completion_tokens == 2
    short = response(max_output_tokens=2)
    assert (short.output_text, short.status) == ("answer t", "incomplete")
    assert short.incomplete_details
    assert short.incomplete_details.reason == "max_output_tokens"


def test_reasoning_is_shown_and_counted_within_the_output() -> None:
    plain, thought = chat(), chat(reasoning_effort="low")
    assert thought.choices[0].message.model_dump()["reasoning_content"]
    assert plain.usage
    assert thought.usage
    assert thought.usage.completion_tokens_details
    assert thought.usage.completion_tokens_details.reasoning_tokens == 8
    assert thought.usage.completion_tokens == plain.usage.completion_tokens + 8
    summed = response(reasoning={"effort": "low", "summary": "auto"})
    assert summed.output[0].type == "reasoning"
    assert summed.output[0].summary[0].text
    assert summed.usage
    assert summed.usage.output_tokens_details.reasoning_tokens == 8
    assert response(reasoning={"effort": "none"}).output[0].type == "message"


def test_reasoning_alone_may_use_up_the_limit() -> None:
    answer = chat(reasoning_effort="low", max_completion_tokens=5)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("", "length")
    assert answer.usage
    assert answer.usage.completion_tokens == 5


def test_structured_output_follows_its_schema() -> None:
    format_ = {"name": "verdict", "schema": SCHEMA, "strict": True}
    chatted = chat(response_format={"type": "json_schema", "json_schema": format_})
    assert chatted.choices[0].message.content == '{"label": "good"}'
    assert response(text={"format": {"type": "json_schema", **format_}}).output_text == '{"label": "good"}'


def test_a_refusal_stands_in_its_own_field() -> None:
    refusing = {"refuse_containing": "bomb"}
    message = chat("a bomb", refusing).choices[0].message
    assert message.content is None
    assert message.refusal
    answer = response("a bomb", refusing)
    assert answer.status == "completed"
    assert answer.output[0].type == "message"
    assert answer.output[0].content[0].type == "refusal"
    assert chat("a flower", refusing).choices[0].message.refusal is None


def test_the_content_filter_leaves_no_answer() -> None:
    filtering = {"filter_containing": "gore"}
    assert chat("gore", filtering).choices[0].finish_reason == "content_filter"
    answer = response("gore", filtering)
    assert answer.incomplete_details
    assert answer.incomplete_details.reason == "content_filter"


def test_answers_may_have_a_number_of_words() -> None:
    text = chat("hello", {"answer_words": 50}).choices[0].message.content
    assert text
    assert len(text.split()) == 50


def test_a_long_system_prompt_is_cached_from_the_second_time_on() -> None:
    async def ask() -> list[int]:
        async with talk() as clients:
            system, cached = "s" * 4096, list[int]()
            for user in ("one", "two"):
                messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
                answer = await clients.openai.chat.completions.create(model="m", messages=messages)  # type: ignore
                cached.append(answer.usage.prompt_tokens_details.cached_tokens)  # type: ignore
            answer = await clients.response(instructions=system)
            return [*cached, answer.usage.input_tokens_details.cached_tokens]

    assert asyncio.run(ask()) == [0, 1024, 1024]


def test_models_are_listed() -> None:
    async def ask() -> list[Model]:
        async with talk(models=("a", "b")) as clients:
            return [model async for model in clients.openai.models.list()]

    assert [Model.model_validate(model.model_dump()).id for model in asyncio.run(ask())] == ["a", "b"]
