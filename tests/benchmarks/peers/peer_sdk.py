"""The OpenAI SDK with a semaphore, on its own transport or on aiohttp's. A restart asks everything again."""

import asyncio
import sys
from collections.abc import Callable

from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL


def prepare(asked: Asked) -> Callable[[], Answers]:
    import openai

    retries = {} if asked.retries is None else {"max_retries": asked.retries}
    transport = {"http_client": openai.DefaultAioHttpClient()} if asked.options.transport == "aiohttp" else {}
    client = openai.AsyncOpenAI(base_url=asked.url, **retries, **transport)

    async def ask_all() -> Answers:
        in_flight = asyncio.Semaphore(asked.concurrency)

        async def ask(prompt: str) -> str | None:
            async with in_flight:
                answer = await client.chat.completions.create(
                    model=MODEL, max_tokens=MAX_TOKENS, messages=[{"role": "user", "content": prompt}]
                )
                return answer.choices[0].message.content

        async with client:
            return await asyncio.gather(*map(ask, asked.prompts), return_exceptions=True)

    return lambda: asyncio.run(ask_all())


if __name__ == "__main__":
    sys.exit(measure("sdk", "openai", prepare, transport=("httpx", "aiohttp")))
