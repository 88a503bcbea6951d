"""Rows and trainers that the trainers' tests share."""

from pathlib import Path
from typing import Any

from tasks.rows import Kept, Message
from tasks.trainers import LocalTrainer
from tasks.trainers.rendering import Example

EXAMPLES = [Example([0, 20, 30, 40], [50, 60, 1]), Example([0, 21], [51, 1]), Example([0] * 9, [52, 53, 54, 55, 1])]


def row(number: int, said: str = "", completion: str = "") -> Kept:
    return Kept(
        id=f"r-{number}",
        messages=[Message(role="user", content=said or f"Where is parcel {number % 3}?")],
        slice="all",
        group=f"r-{number}",
        completion=completion or f"At stop {number % 3}.",
        reference="",
        approved=False,
        repaired="",
    )


def trainer(base: Path, **changes: Any) -> LocalTrainer:
    settled = {"upper_layers": 1, "epochs": 2, "learning_rate": 0.01, "batch_rows": 4, "max_tokens": 200, "seed": 7}
    return LocalTrainer.model_validate({"trainer": "local", "base": str(base)} | settled | changes)
