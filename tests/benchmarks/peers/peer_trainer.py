"""transformers' Trainer, with labels on the answers' tokens only, LoRA by peft."""

import time

from tests.benchmarks.peers import training as shared


def main() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        DataCollatorForSeq2Seq,
        Trainer,
        TrainingArguments,
    )

    task = shared.read_task()
    tokenizer = AutoTokenizer.from_pretrained(task.base)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    pairs = [shared.encoded(tokenizer, row) for row in task.train]
    rows = [{"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer} for prompt, answer in pairs]
    adapters = LoraConfig(**shared.ADAPTERS)
    settings = TrainingArguments(
        **shared.arguments(task),
    )
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(task.base), adapters)
    trainer = Trainer(
        model=model, args=settings, train_dataset=rows, data_collator=DataCollatorForSeq2Seq(tokenizer, padding=True)
    )
    started = time.monotonic()
    trainer.train()
    seconds, peak = time.monotonic() - started, shared.peak_gib()
    shared.report(
        shared.tokens(tokenizer, task.train), seconds, peak, shared.validation_loss(model, tokenizer, task.validation)
    )


if __name__ == "__main__":
    main()
