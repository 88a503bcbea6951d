"""The least that a client can do: aiohttp, C workers, no retries, nothing recorded."""

import asyncio
import os
import sys
from collections.abc import Callable

import aiohttp

from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL


async def ask_all(asked: Asked) -> Answers:
    answers: list[str | None] = [None] * len(asked.prompts)
    waiting = iter(enumerate(asked.prompts))

    async def work(session: aiohttp.ClientSession) -> None:
        for row, prompt in waiting:
            body = {"model": MODEL, "max_tokens": MAX_TOKENS, "messages": [{"role": "user", "content": prompt}]}
            async with session.post(f"{asked.url}/chat/completions", json=body) as response:
                if response.ok:
                    answers[row] = (await response.json())["choices"][0]["message"]["content"]

    headers = {"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}
    connector = aiohttp.TCPConnector(limit=asked.concurrency)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session, asyncio.TaskGroup() as workers:
        for _ in range(asked.concurrency):
            workers.create_task(work(session))
    return answers


def prepare(asked: Asked) -> Callable[[], Answers]:
    return lambda: asyncio.run(ask_all(asked))


if __name__ == "__main__":
    sys.exit(measure("floor", "aiohttp", prepare))
