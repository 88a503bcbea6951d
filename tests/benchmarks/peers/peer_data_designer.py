"""NVIDIA's Data Designer: one text column over a seed of the prompts. It takes no number of retries."""

import logging
import os
import sys
from collections.abc import Callable

from tests.benchmarks.peers.asking import Answers, Asked, measure
from tests.benchmarks.peers.rows import MAX_TOKENS, MODEL


def prepare(asked: Asked) -> Callable[[], Answers]:
    os.environ |= {"NEMO_TELEMETRY_ENABLED": "false", "DATA_DESIGNER_HOME": str(asked.work / "home")}
    import data_designer.config as designer
    import pandas as pd
    from data_designer.config.run_config import ResumeMode
    from data_designer.interface import DataDesigner

    logging.getLogger("data_designer").setLevel(logging.CRITICAL)
    if asked.retries is not None:
        print("Data Designer takes no number of retries: --retries changes nothing", file=sys.stderr)
    rows = pd.DataFrame({"row": range(len(asked.prompts)), "prompt": asked.prompts})
    seed = asked.work / "seed.parquet"
    rows.to_parquet(seed)
    provider = designer.ModelProvider(name="local", endpoint=asked.url, api_key="OPENAI_API_KEY")
    settings = designer.ChatCompletionInferenceParams(
        max_tokens=MAX_TOKENS, max_parallel_requests=asked.concurrency, timeout=600
    )
    model = designer.ModelConfig(
        alias="asked", model=MODEL, provider="local", inference_parameters=settings, skip_health_check=True
    )
    config = designer.DataDesignerConfigBuilder(model_configs=[model])
    config.with_seed_dataset(designer.LocalFileSeedSource(path=str(seed)))
    config.add_column(designer.LLMTextColumnConfig(name="answer", model_alias="asked", prompt="{{ prompt }}"))
    run = DataDesigner(artifact_path=asked.work / "artifacts", model_providers=[provider], auto_configure_logging=False)
    run.set_run_config(designer.RunConfig(otel_metrics_port=None, max_in_flight_tasks=max(1024, 4 * asked.concurrency)))

    def ask_all() -> Answers:
        answers: list[str | None] = [None] * len(rows)
        resume = ResumeMode.IF_POSSIBLE if asked.resumes else ResumeMode.NEVER
        made = run.create(config, num_records=len(rows), dataset_name="peer", resume=resume)
        for row, answer in made.load_dataset()[["row", "answer"]].itertuples(index=False):
            answers[row] = answer
        return answers

    return ask_all


if __name__ == "__main__":
    sys.exit(measure("data_designer", "data-designer", prepare))
