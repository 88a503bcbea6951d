"""OpenAI's Responses API."""

import time
from typing import Any

from tests.provider.answer import Answer, Usage
from tests.provider.openai_api import SERVICE, schema_asked, served
from tests.provider.question import Question, optional, plain, question, required, said
from tests.provider.service import DATED, Api, new_id


def _read(body: dict[str, Any]) -> Question:
    served(body)
    asked = body.get("input")
    turns = [("user", asked)] if isinstance(asked, str) and asked else said(required(body, "input", list), "input")
    if body.get("instructions"):
        turns = [("system", plain(body["instructions"], "instructions")), *turns]
    reasoning = body.get("reasoning") or {}
    return question(
        turns,
        model=required(body, "model", str),
        schema=schema_asked((body.get("text") or {}).get("format"), None),
        thinks=reasoning.get("effort") not in (None, "none", "minimal"),
        shows_thinking=bool(reasoning.get("summary")),
        temperature=optional(body, "temperature", (int, float)),
        max_output_tokens=optional(body, "max_output_tokens", int),
        caches_system=True,
    )


def _write(asked: Question, answer: Answer) -> dict[str, Any]:
    reason = {"length": "max_output_tokens", "filter": "content_filter"}.get(answer.ending)
    status = "incomplete" if reason else "completed"
    now = time.time()
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(now),
        "completed_at": None if reason else int(now),
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": asked.system or None,
        "max_output_tokens": asked.max_output_tokens,
        "model": asked.model + DATED,
        "output": _output(asked, answer, status),
        "parallel_tool_calls": True,
        "temperature": asked.temperature,
        "tool_choice": "auto",
        "tools": [],
        "usage": _usage(answer.usage),
        "metadata": {},
    }


def _output(asked: Question, answer: Answer, status: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if answer.thinking:
        summary = [{"type": "summary_text", "text": answer.thinking}] if asked.shows_thinking else []
        items.append({"id": new_id("rs_"), "type": "reasoning", "summary": summary})
    if answer.text:
        part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
        if answer.ending == "refusal":
            part = {"type": "refusal", "refusal": answer.text}
        items.append(
            {"id": new_id("msg_"), "type": "message", "role": "assistant", "status": status, "content": [part]}
        )
    return items


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


RESPONSES = Api("responses", "/v1/responses", SERVICE, _read, _write)
