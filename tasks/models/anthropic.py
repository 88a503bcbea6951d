"""Anthropic, and every service that speaks its Messages API."""

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from tasks.models.live.service import Service
from tasks.models.request import Answer, Request

if TYPE_CHECKING:
    from tasks.models.batches.anthropic import AnthropicBatches


class Anthropic(Service):
    """A model asked through the anthropic SDK. Messages: https://platform.claude.com/docs/en/api/messages."""

    listed_as: ClassVar[str] = "anthropic"
    key_variable: ClassVar[str] = "ANTHROPIC_API_KEY"
    request_id_header: ClassVar[str] = "request-id"
    address: ClassVar[str] = "https://api.anthropic.com"

    provider: Literal["anthropic"]
    thinking_tokens: int | None = Field(
        default=None, ge=1024, description="The budget for thinking, beyond max_output_tokens; set no temperature then."
    )
    adaptive_thinking: bool = Field(default=False, description="Whether the model decides itself how long it thinks.")
    effort: str | None = Field(default=None, description="How much effort goes into an answer: low to max.")
    top_p: float | None = Field(default=None, gt=0, le=1, description="The share of likeliest tokens drawn from.")
    cache_prompt: bool = Field(
        default=True, exclude=True, description="Whether the system prompt is kept by the provider, and read for less."
    )

    def identity(self) -> dict[str, Any]:
        """Whose model it is, and the settings that decide an answer."""
        decides = self.model_dump(
            include={"thinking_tokens", "adaptive_thinking", "effort", "top_p", "extra_body"}, exclude_defaults=True
        )
        return {"provider": "anthropic", "service": self.whose, "model": self.model} | decides

    def sdk(self) -> Any:
        """The anthropic package."""
        import anthropic

        return anthropic

    @property
    def path(self) -> str:
        """Where requests are posted, below the address."""
        return "/v1/messages"

    def connect(self) -> Any:
        """An asynchronous client."""
        return self.sdk().AsyncAnthropic(**self.connection())

    def batches(self) -> "AnthropicBatches":
        """Its Message Batches API."""
        from tasks.models.batches.anthropic import AnthropicBatches

        return AnthropicBatches(self)

    def longest_output(self, request: Request) -> int:
        """The most tokens that may be billed as written."""
        return request.max_output_tokens + (self.thinking_tokens or 0)

    def body(self, request: Request) -> dict[str, Any]:
        """The request as the API takes it; what is not set is not sent."""
        system = "\n\n".join(message["content"] for message in request.messages if message["role"] == "system")
        body = {
            "model": self.model,
            "max_tokens": self.longest_output(request),
            "system": self._system(system) if system.strip() else None,  # an empty block is rejected
            "messages": [message for message in request.messages if message["role"] != "system"],
            "temperature": request.temperature,
            "top_p": self.top_p,
            "thinking": self._thinking(),
            "output_config": self._output(request) or None,
        }
        return {name: value for name, value in (body | self.extra_body).items() if value is not None}

    def _system(self, text: str) -> list[dict[str, Any]]:
        kept: dict[str, Any] = {"cache_control": {"type": "ephemeral"}} if self.cache_prompt else {}
        return [{"type": "text", "text": text} | kept]

    def _thinking(self) -> dict[str, Any] | None:
        if self.adaptive_thinking:
            return {"type": "adaptive"}
        return {"type": "enabled", "budget_tokens": self.thinking_tokens} if self.thinking_tokens else None

    def _output(self, request: Request) -> dict[str, Any]:
        schema, effort = request.output_schema, self.effort
        written = {"format": {"type": "json_schema", "schema": schema}} if schema is not None else {}
        return written | ({"effort": effort} if effort else {})

    def read(self, said: Any) -> Answer:
        """The answer in what the service said."""
        return read_message(said)


def read_message(said: Any) -> Answer:
    """The answer in a message: its text blocks, and apart from them what was thought."""
    usage, blocks = said.get("usage") or {}, said["content"]
    read, written = (usage.get(f"cache_{what}_input_tokens") or 0 for what in ("read", "creation"))
    return Answer(
        text="".join(block["text"] for block in blocks if block["type"] == "text"),
        finish_reason=said["stop_reason"] or "end_turn",
        model=said.get("model") or "",
        reasoning="\n".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        input_tokens=(usage.get("input_tokens") or 0) + read + written,
        cached_tokens=read,
        cache_write_tokens=written,
        output_tokens=usage.get("output_tokens") or 0,
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0,
    )
