"""OpenAI's Chat Completions API."""

import time
from typing import Any

from tests.provider.answer import Answer, Usage
from tests.provider.openai_api import SERVICE, schema_asked, served
from tests.provider.question import Question, optional, question, required, said
from tests.provider.service import DATED, Api, new_id


def _read(body: dict[str, Any]) -> Question:
    served(body)
    return question(
        said(required(body, "messages", list), "messages"),
        model=required(body, "model", str),
        schema=schema_asked(body.get("response_format"), "json_schema"),
        thinks=body.get("reasoning_effort") not in (None, "none", "minimal"),
        shows_thinking=True,
        temperature=optional(body, "temperature", (int, float)),
        max_output_tokens=optional(body, "max_completion_tokens", int) or optional(body, "max_tokens", int),
        caches_system=True,
    )


def _write(asked: Question, answer: Answer) -> dict[str, Any]:
    refused = answer.ending == "refusal"
    message = {
        "role": "assistant",
        "content": None if refused else answer.text,
        "refusal": answer.text if refused else None,
        "annotations": [],
    }
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    reason = {"length": "length", "filter": "content_filter"}.get(answer.ending, "stop")
    return {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model + DATED,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": _usage(answer.usage),
        "service_tier": "default",
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": 0},
    }


CHAT = Api("chat", "/v1/chat/completions", SERVICE, _read, _write)
