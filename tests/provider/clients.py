"""The real SDKs, talking to a provider."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from anthropic import AsyncAnthropic
from anthropic import DefaultAsyncHttpxClient as AnthropicWire
from openai import AsyncOpenAI
from openai import DefaultAsyncHttpxClient as OpenAIWire

from tests.provider import Behaviour, Provider


class Talk(NamedTuple):
    """A provider with a client of each service that never retries by itself."""

    provider: Provider
    openai: AsyncOpenAI
    anthropic: AsyncAnthropic

    async def chat(self, text: str = "hello", /, **rest: Any) -> Any:
        """Ask through Chat Completions."""
        return await self.openai.chat.completions.create(**_messages(text), **rest)

    async def response(self, text: str = "hello", /, **rest: Any) -> Any:
        """Ask through Responses."""
        return await self.openai.responses.create(model="m", input=text, **rest)

    async def message(self, text: str = "hello", /, **rest: Any) -> Any:
        """Ask through Messages."""
        return await self.anthropic.messages.create(**_messages(text), **{"max_tokens": 1000} | rest)

    async def all(self, text: str = "hello", /, **rest: Any) -> list[Any]:
        """Ask through each API; errors are among the answers."""
        answers: list[Any] = []
        for ask in (self.chat, self.response, self.message):
            try:
                answers.append(await ask(text, **rest))
            except Exception as error:
                answers.append(error)
        return answers


def _messages(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


@asynccontextmanager
async def talk(key: str = "key", timeout_seconds: float = 5, **behaviour: Any) -> AsyncIterator[Talk]:
    """Clients of a provider that behaves so; not to load certificates, which none needs, saves most of their start."""
    rest: dict[str, Any] = {"api_key": key, "max_retries": 0, "timeout": timeout_seconds}
    async with (
        Provider(Behaviour(**behaviour)) as provider,
        AsyncOpenAI(base_url=provider.openai_url, http_client=OpenAIWire(verify=False), **rest) as to_openai,
        AsyncAnthropic(base_url=provider.url, http_client=AnthropicWire(verify=False), **rest) as to_anthropic,
    ):
        yield Talk(provider, to_openai, to_anthropic)
