"""The local trainer: the upper layers of a causal chat model, through transformers."""

import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from tasks.artifacts import digest
from tasks.errors import ExtraMissing, StageFailed
from tasks.evidence import Training
from tasks.models import Local, Weights
from tasks.models.weights import load
from tasks.rows import Kept
from tasks.trainers.fitting import Learnable, Recipe, fit
from tasks.trainers.rendering import Example, examples, marked
from tasks.trainers.upper import UpperLayers


class Lesson(NamedTuple):
    """How a training went, and what writes the student into a folder."""

    training: Training
    save: Callable[[Path], None]


class LocalTrainer(BaseModel):
    """Trains the upper layers on this machine: on a GPU where there is one, else on the CPU in float32."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trainer: Literal["local"]
    base: Weights = Field(description="owner/name[@revision] on the hub, a folder, or package:NAME/FILE.gguf.")
    upper_layers: int = Field(default=8, ge=1, description="How many of the last layers learn.")
    epochs: int = Field(default=3, ge=1, description="How often each row is seen.")
    learning_rate: float = Field(
        default=3e-4, gt=0, description="AdamW's highest rate, after warming up over a tenth of the steps."
    )
    batch_rows: int = Field(default=8, ge=1, description="Rows a step.")
    emphasis: dict[str, PositiveFloat] = Field(
        default={}, description="Fields of a JSON answer whose tokens weigh more in the loss, and how much more."
    )
    whole_answers: float = Field(
        default=1.0, ge=0, le=1, description="The share of rows that are learned beyond their last emphasised field."
    )
    max_tokens: int = Field(default=512, ge=8, description="Rows longer than this are dropped and counted, never cut.")
    seed: int = Field(default=0, description="Decides the order of the rows.")

    def base_model(self) -> Local:
        """The base as a model that answers."""
        return Local(provider="local", weights=self.base)

    def check(self) -> None:
        """Raises `ExtraMissing` where what training needs is not installed."""
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise ExtraMissing(f"train: {package!r} is not installed. Run: pip install 'stillhouse[local]'")

    def _whole(self, example: Example) -> bool:
        """Whether a row is learned to its end: drawn by what it says, not by where it stands."""
        return int(digest([self.seed, example.prompt])[:8], 16) < self.whole_answers * 2**32

    def learn(self, rows: Sequence[Kept], watched: Sequence[Kept]) -> Lesson:
        """Train on `rows`, watching the loss on `watched`. Raises `StageFailed` where there is nothing to learn."""
        import torch

        started = time.monotonic()
        torch.manual_seed(self.seed)
        model, tokenizer = load(self.base)
        rendered = examples(tokenizer, rows, self.emphasis)
        fitting = [example for example in rendered if example.length() <= self.max_tokens]
        if not fitting:
            raise StageFailed(
                f"train: each of {len(rows)} rows is longer than train.max_tokens={self.max_tokens}. Raise it."
            )
        seen = [each for each in examples(tokenizer, watched, self.emphasis) if each.length() <= self.max_tokens]
        upper = UpperLayers(model, self.upper_layers, fitting + seen)
        lessons = [each if self._whole(each) else each.up_to_emphasis() for each in fitting]
        train = _learnable(upper, lessons)
        upper.check(train[0].example, train[0].states)
        recipe = Recipe(self.epochs, self.learning_rate, self.batch_rows, self.seed)
        curve = fit(upper, train, _learnable(upper, seen), recipe)
        training = Training(
            rows=len(fitting),
            watched=len(seen),
            too_long=len(rows) + len(watched) - len(fitting) - len(seen),
            tokens=sum(example.length() for example in lessons),
            answer_tokens=sum(len(example.answer) for example in lessons),
            longest_row=max(example.length() for example in rendered),
            trained_parameters=sum(parameter.numel() for parameter in upper.parameters()),
            steps=curve[-1].step,
            seconds=time.monotonic() - started,
            example=marked(tokenizer, lessons[0]),
            curve=curve,
        )
        return Lesson(training, lambda folder: _save(folder, model, tokenizer, training))


def _learnable(upper: UpperLayers, rendered: Sequence[Example]) -> list[Learnable]:
    states = upper.lower_states(rendered)
    return [Learnable(each, state) for each, state in zip(rendered, states, strict=True)]


def _save(folder: Path, model: Any, tokenizer: Any, training: Training) -> None:
    model.requires_grad_(True)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "student.json").write_text(json.dumps({"provider": "local"}), encoding="utf-8")
    (folder / "training.json").write_text(training.model_dump_json(indent=1, exclude={"seconds"}), encoding="utf-8")
