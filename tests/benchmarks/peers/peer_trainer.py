"""transformers' Trainer, with labels on the answers' tokens only, LoRA by peft."""

import tempfile
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
    adapters = LoraConfig(
        r=shared.RANK, lora_alpha=shared.ALPHA, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM"
    )
    settings = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=shared.BATCH,
        num_train_epochs=shared.EPOCHS,
        learning_rate=shared.RATE,
        lr_scheduler_type="linear",
        warmup_steps=shared.WARMUP,
        weight_decay=shared.DECAY,
        max_grad_norm=shared.CLIP,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=task.seed,
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
