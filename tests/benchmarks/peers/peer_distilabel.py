"""distilabel: a pipeline of one TextGeneration step. What is in flight at once is one of its batches."""

import os
import sys
from collections.abc import Callable

from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL


def prepare(asked: Asked) -> Callable[[], Answers]:
    os.environ |= {
        "DISTILABEL_LOG_LEVEL": "CRITICAL",
        "HF_HOME": str(asked.work / "huggingface"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
    from distilabel.models import OpenAILLM
    from distilabel.pipeline import Pipeline
    from distilabel.steps import LoadDataFromDicts
    from distilabel.steps.tasks import TextGeneration

    rows = [{"row": row, "instruction": prompt} for row, prompt in enumerate(asked.prompts)]
    retries = {} if asked.retries is None else {"max_retries": asked.retries}
    with Pipeline(name="peer", cache_dir=asked.work / "pipelines") as pipeline:
        llm = OpenAILLM(
            model=MODEL, base_url=asked.url, generation_kwargs={"max_new_tokens": MAX_TOKENS}, timeout=600, **retries
        )
        load = LoadDataFromDicts(name="load", data=rows, batch_size=asked.concurrency)
        load >> TextGeneration(name="ask", llm=llm, input_batch_size=asked.concurrency)

    def ask_all() -> Answers:
        answers: list[str | None] = [None] * len(rows)
        for found in pipeline.run(use_cache=asked.resumes)["default"]["train"]:
            answers[found["row"]] = found["generation"]
        return answers

    return ask_all


if __name__ == "__main__":
    sys.exit(measure("distilabel", "distilabel", prepare))
