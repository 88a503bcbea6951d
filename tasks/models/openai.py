"""OpenAI, and every service that speaks its Chat Completions or its Responses API."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from tasks.models.live.service import Service
from tasks.models.request import Answer, Request

if TYPE_CHECKING:
    from tasks.models.batches.openai import OpenAIBatches

_BROKEN_OFF = {"error", "abort", "insufficient_system_resource"}


class OpenAI(Service):
    """A model asked through the openai SDK; `base_url` leads to vLLM, Ollama, Azure, Together, Fireworks, a gateway.

    Chat Completions: https://platform.openai.com/docs/api-reference/chat, Responses: …/api-reference/responses.
    """

    listed_as: ClassVar[str] = "openai"
    key_variable: ClassVar[str] = "OPENAI_API_KEY"
    request_id_header: ClassVar[str] = "x-request-id"
    address: ClassVar[str] = "https://api.openai.com/v1"

    provider: Literal["openai"]
    api: Literal["chat", "responses"] = Field(default="chat", description="Which of the two APIs is used.")
    reasoning_effort: str | None = Field(default=None, description="How much a reasoning model thinks, in its words.")
    reasoning_summary: Literal["auto", "concise", "detailed"] | None = Field(
        default=None, description="Asks Responses what was thought; OpenAI tells it to verified organisations alone."
    )
    reasoning_tokens: int = Field(
        default=0, ge=0, description="Room for reasoning beyond max_output_tokens, which counts it in otherwise."
    )
    seed: int | None = Field(default=None, description="Asks for the same answer again; each sample adds its number.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="The share of likeliest tokens drawn from.")
    limit_field: Literal["max_completion_tokens", "max_tokens"] | None = Field(
        default=None,
        exclude=True,
        description="How Chat Completions names the limit; max_tokens where base_url is set.",
    )

    @model_validator(mode="after")
    def _seeded_in_chat(self) -> "OpenAI":
        if self.seed is not None and self.api == "responses":
            raise ValueError("seed: the Responses API takes none; leave it out, or use api: chat")
        return self

    def identity(self) -> dict[str, Any]:
        """Whose model it is, which API, and the settings that decide an answer."""
        decides = self.model_dump(
            include={"reasoning_effort", "reasoning_summary", "reasoning_tokens", "seed", "top_p", "extra_body"},
            exclude_defaults=True,
        )
        return {"provider": "openai", "service": self.whose, "api": self.api, "model": self.model} | decides

    def sdk(self) -> Any:
        """The openai package."""
        import openai

        return openai

    @property
    def path(self) -> str:
        """Where requests are posted, below the address."""
        return "/chat/completions" if self.api == "chat" else "/responses"

    def connect(self) -> Any:
        """An asynchronous client."""
        return self.sdk().AsyncOpenAI(**self.connection())

    def batches(self) -> "OpenAIBatches":
        """Its Batch API."""
        from tasks.models.batches.openai import OpenAIBatches

        return OpenAIBatches(self)

    def longest_output(self, request: Request) -> int:
        """The most tokens that may be billed as written."""
        return request.max_output_tokens + self.reasoning_tokens

    def weight(self, request: Request) -> float:
        """OpenAI counts the prompt and the longest answer against the limit of tokens."""
        return super().weight(request) + self.longest_output(request)

    def body(self, request: Request) -> dict[str, Any]:
        """The request as the API takes it; what is not set is not sent."""
        own = {
            "model": self.model,
            "temperature": request.temperature,
            "top_p": self.top_p,
        }
        body = own | (self._chat(request) if self.api == "chat" else self._responses(request)) | self.extra_body
        return {name: value for name, value in body.items() if value is not None}

    def _chat(self, request: Request) -> dict[str, Any]:
        own = not self.base_url or self.whose.endswith((".openai.com", ".openai.azure.com"))
        limit = self.limit_field or ("max_completion_tokens" if own else "max_tokens")
        return {
            "messages": request.messages,
            limit: self.longest_output(request),
            "seed": None if self.seed is None else self.seed + request.sample,
            "reasoning_effort": self.reasoning_effort,
            "response_format": _format(request, nested=True),
        }

    def _responses(self, request: Request) -> dict[str, Any]:
        thinks = {"effort": self.reasoning_effort, "summary": self.reasoning_summary}
        thinks = {name: value for name, value in thinks.items() if value} or None
        written = _format(request, nested=False)
        return {
            "input": request.messages,
            "max_output_tokens": self.longest_output(request),
            "store": False,
            "reasoning": thinks,
            "text": {"format": written} if written else None,
        }

    def read(self, said: Any) -> Answer:
        """The answer in what the service said."""
        if said.get("error"):
            raise ValueError(str(said["error"]))
        return read_chat(said) if "choices" in said else read_response(said)


def read_chat(said: Any) -> Answer:
    """The answer in a chat completion."""
    choice, usage = said["choices"][0], said.get("usage") or {}
    prompt = usage.get("prompt_tokens_details") or {}
    message = choice["message"]
    refusal = message.get("refusal")
    return Answer(
        text=_text(message.get("content")) or refusal or "",
        finish_reason="refusal" if refusal else _finish(choice),
        model=said.get("model") or "",
        reasoning=message.get("reasoning_content") or message.get("reasoning") or "",
        input_tokens=usage.get("prompt_tokens") or 0,
        cached_tokens=prompt.get("cached_tokens") or 0,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        output_tokens=_written(usage),
        reasoning_tokens=(usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def read_response(said: Any) -> Answer:
    """The answer in a response of the Responses API. Raises `ValueError` where it failed."""
    if said["status"] not in {"completed", "incomplete"}:
        raise ValueError(f"the response is {said['status']}")
    usage = said.get("usage") or {}
    prompt = usage.get("input_tokens_details") or {}
    parts = [part for item in said["output"] if item["type"] == "message" for part in item["content"]]
    thoughts = [part["text"] for item in said["output"] if item["type"] == "reasoning" for part in _thoughts(item)]
    refusal = "".join(part["refusal"] for part in parts if part["type"] == "refusal")
    cut = (said.get("incomplete_details") or {}).get("reason")
    return Answer(
        text="".join(part["text"] for part in parts if part["type"] == "output_text") or refusal,
        finish_reason="refusal" if refusal else cut or "stop",
        model=said.get("model") or "",
        reasoning="\n".join(thoughts),
        input_tokens=usage.get("input_tokens") or 0,
        cached_tokens=prompt.get("cached_tokens") or 0,
        cache_write_tokens=prompt.get("cache_write_tokens") or 0,
        output_tokens=usage.get("output_tokens") or 0,
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )


def _thoughts(item: Any) -> list[Any]:
    return item.get("summary") or item.get("content") or []  # OpenAI tells a summary, open models all of it


def _written(usage: Any) -> int:
    """Tokens that are billed as written: some services leave the reasoning out of the completion's count."""
    read, written = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
    return max(written, (usage.get("total_tokens") or 0) - read)


def _finish(choice: Any) -> str:
    reason = choice.get("finish_reason") or "stop"
    if reason in _BROKEN_OFF:
        raise ValueError(f"the service broke off: {reason}")
    return reason


def _text(content: Any) -> str:
    if isinstance(content, list):  # some compatible services answer in parts
        return "".join(part.get("text") or "" for part in content)
    return content or ""


def _format(request: Request, nested: bool) -> dict[str, Any] | None:
    if request.output_schema is None:
        return None
    schema = {"name": "answer", "schema": request.output_schema, "strict": True}
    return {"type": "json_schema", "json_schema": schema} if nested else {"type": "json_schema"} | schema
