"""LiteLLM, either of its documented ways: acompletion under a semaphore, or batch_completion, which keeps threads.

Its disk cache is what lets it resume.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL


def prepare(asked: Asked) -> Callable[[], Answers]:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it downloads its prices on import
    os.environ["LITELLM_LOG"] = "CRITICAL"
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    if asked.resumes:
        litellm.enable_cache(type="disk", disk_cache_dir=str(asked.work))
    common = {"model": f"openai/{MODEL}", "max_tokens": MAX_TOKENS, "api_base": asked.url}
    if asked.retries is not None:
        common["num_retries"] = asked.retries
    messages = [[{"role": "user", "content": prompt}] for prompt in asked.prompts]

    async def ask_all() -> Answers:
        in_flight = asyncio.Semaphore(asked.concurrency)

        async def ask(message: list[dict[str, str]]) -> Any:
            async with in_flight:
                return await litellm.acompletion(messages=message, **common)

        return await asyncio.gather(*map(ask, messages), return_exceptions=True)

    def ask_in_threads() -> Answers:
        return litellm.batch_completion(messages=messages, max_workers=asked.concurrency, **common)

    def text(answer: Any) -> str | BaseException | None:
        return answer if isinstance(answer, BaseException) else answer.choices[0].message.content

    bulk = ask_in_threads if asked.options.way == "threads" else lambda: asyncio.run(ask_all())
    return lambda: [text(answer) for answer in bulk()]


if __name__ == "__main__":
    sys.exit(measure("litellm", "litellm", prepare, way=("async", "threads")))
