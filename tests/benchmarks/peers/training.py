"""What the training peers share: the rows, the settings, the loss that they are judged by, and what they report.

Settings: LoRA of rank 16 on all linear layers, batches of 16, float32, one epoch, AdamW with a linear schedule.
"""

import argparse
import json
import resource
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

RANK, ALPHA = 16, 32
BATCH, EPOCHS, RATE, WARMUP, DECAY, CLIP = 16, 1, 5e-4, 0.1, 0.01, 1.0
LONGEST, THREADS = 512, 2


ADAPTERS: dict[str, Any] = {
    "r": RANK,
    "lora_alpha": ALPHA,
    "target_modules": "all-linear",
    "lora_dropout": 0.0,
    "task_type": "CAUSAL_LM",
}
"""The settings of peft's LoRA."""


class Task(NamedTuple):
    """A base model's folder, and rows of a question and its answer."""

    base: str
    train: list[dict[str, str]]
    validation: list[dict[str, str]]
    seed: int


def read_task() -> Task:
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("task", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(given.seed)
    return Task(**json.loads(given.task.read_text()), seed=given.seed)


def arguments(task: Task) -> dict[str, Any]:
    """The settings of transformers' Trainer, which trl's stands on."""
    return {
        "output_dir": tempfile.mkdtemp(),
        "per_device_train_batch_size": BATCH,
        "num_train_epochs": EPOCHS,
        "learning_rate": RATE,
        "lr_scheduler_type": "linear",
        "warmup_steps": WARMUP,
        "weight_decay": DECAY,
        "max_grad_norm": CLIP,
        "use_cpu": True,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "seed": task.seed,
    }


def messages(row: dict[str, str]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    return [{"role": "user", "content": row["question"]}], [{"role": "assistant", "content": row["answer"]}]


def encoded(tokenizer: Any, row: dict[str, str]) -> tuple[list[int], list[int]]:
    """A row's prompt and answer in tokens, the end token included, by the model's own template."""
    asked, answered = messages(row)
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(asked + answered, tokenize=False).rstrip()
    assert whole.startswith(prompt)
    pair = [tokenizer(part, add_special_tokens=False)["input_ids"] for part in (prompt, whole[len(prompt) :])]
    return pair[0], pair[1]


def tokens(tokenizer: Any, rows: Sequence[dict[str, str]]) -> int:
    """Tokens of all rows, none of them padding."""
    return sum(len(part) for row in rows for part in encoded(tokenizer, row))


def validation_loss(model: Any, tokenizer: Any, rows: Sequence[dict[str, str]]) -> float:
    """The mean cross-entropy of the answers' tokens, a row at a time: the same for every peer."""
    import torch

    total, count = 0.0, 0
    model.eval()
    with torch.no_grad():
        for row in rows:
            prompt, answer = encoded(tokenizer, row)
            logits = model(input_ids=torch.tensor([prompt + answer], device=model.device)).logits[0]
            own = logits[len(prompt) - 1 : -1].float().log_softmax(-1)
            total -= own[torch.arange(len(answer)), torch.tensor(answer)].sum().item()
            count += len(answer)
    return total / count


def report(tokens: int, seconds: float, peak: float, loss: float) -> None:
    print(json.dumps({"tokens": tokens, "seconds": seconds, "peak_gib": peak, "validation_loss": loss}))


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
