"""trl's SFTTrainer: prompt and completion, loss on the completion, LoRA by peft."""

import time

from tests.benchmarks.peers import training as shared


def main() -> None:
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    task = shared.read_task()
    tokenizer = AutoTokenizer.from_pretrained(task.base)
    rows = [dict(zip(("prompt", "completion"), shared.messages(row), strict=True)) for row in task.train]
    settings = SFTConfig(
        **shared.arguments(task),
        max_length=shared.LONGEST,
        gradient_checkpointing=False,
        bf16=False,
    )
    adapters = LoraConfig(**shared.ADAPTERS)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(task.base),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=adapters,
    )
    tokens = shared.tokens(tokenizer, task.train)  # trl learns one more a row, the template's last line break
    started = time.monotonic()
    trainer.train()
    seconds, peak = time.monotonic() - started, shared.peak_gib()
    shared.report(tokens, seconds, peak, shared.validation_loss(trainer.model, tokenizer, task.validation))


if __name__ == "__main__":
    main()
