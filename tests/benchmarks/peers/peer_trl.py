"""trl's SFTTrainer: prompt and completion, loss on the completion, LoRA by peft."""

import tempfile
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
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=shared.BATCH,
        num_train_epochs=shared.EPOCHS,
        learning_rate=shared.RATE,
        lr_scheduler_type="linear",
        warmup_steps=shared.WARMUP,
        weight_decay=shared.DECAY,
        max_grad_norm=shared.CLIP,
        max_length=shared.LONGEST,
        gradient_checkpointing=False,
        bf16=False,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        seed=task.seed,
    )
    adapters = LoraConfig(
        r=shared.RANK, lora_alpha=shared.ALPHA, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM"
    )
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
