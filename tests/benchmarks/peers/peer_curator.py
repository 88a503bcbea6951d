"""Bespoke Curator: its LLM over a list of rows, with files of requests and responses in its own cache."""

import logging
import os
import sys
from collections.abc import Callable

from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL

NO_CAP = 10**9


def prepare(asked: Asked) -> Callable[[], Answers]:
    os.environ |= {
        "HOME": str(asked.work),
        "TELEMETRY_ENABLED": "false",
        "CURATOR_VIEWER": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
        "CURATOR_DISABLE_CACHE": "false" if asked.resumes else "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HF_HOME": str(asked.work / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
    }
    import litellm.litellm_core_utils.default_encoding  # noqa: F401  # tiktoken's file from its package, no download
    from bespokelabs import curator

    logging.getLogger("curator").setLevel(logging.CRITICAL)

    class Asker(curator.LLM):
        def prompt(self, input: dict) -> str:
            return input["prompt"]

        def parse(self, input: dict, response: str) -> dict:
            return {"row": input["row"], "answer": response}

    retries = {} if asked.retries is None else {"max_retries": asked.retries}
    asker = Asker(
        model_name=MODEL,
        backend="openai",
        generation_params={"max_tokens": MAX_TOKENS},
        backend_params={
            "base_url": asked.url,
            "max_concurrent_requests": asked.concurrency,
            "max_requests_per_minute": NO_CAP,
            "max_tokens_per_minute": NO_CAP,
            "require_all_responses": False,
            "invalid_finish_reasons": ["content_filter"],  # by itself it asks again for what was cut at max_tokens
            **retries,
        },
    )

    def ask_all() -> Answers:
        rows = [{"row": row, "prompt": prompt} for row, prompt in enumerate(asked.prompts)]
        answers: list[str | None] = [None] * len(rows)
        for found in asker(rows, working_dir=str(asked.work)).dataset:
            answers[found["row"]] = found["answer"]
        return answers

    return ask_all


if __name__ == "__main__":
    sys.exit(measure("curator", "bespokelabs-curator", prepare))
