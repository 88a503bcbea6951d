"""The local trainer: a causal chat model on this machine, through transformers and peft."""

import importlib.util
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, model_validator

from tasks.artifacts import digest
from tasks.errors import ExtraMissing, StageFailed
from tasks.evidence import Training, Tried
from tasks.files import File
from tasks.models import AnyModel, Local, Weights
from tasks.models.generation import end_tokens
from tasks.rows import Kept
from tasks.scorers import as_object
from tasks.trainers.card import Origin, card
from tasks.trainers.fitting import Recipe, best_point
from tasks.trainers.rendering import Example, Rendering, Turns
from tasks.trainers.search import Trial, try_each
from tasks.trainers.tuning import Lora, Tuning
from tasks.trainers.upper import Learnable, UpperLayers

_EPOCHS = {100: 8, 500: 5, 2_000: 3, 20_000: 2, sys.maxsize: 1}
"""How often rows are seen by default: up to so many rows, so many epochs."""

_SHOWN, _CHECKED = 160, 3

logger = logging.getLogger("stillhouse.train")


class Material(NamedTuple):
    """What is learned and what is watched, in tokens; `longest` is the longest row's length, dropped ones included."""

    lessons: list[Example]
    watched: list[Example]
    ended: int
    too_long: int
    longest: int
    example: str

    @property
    def tokens(self) -> int:
        """Tokens of the rows that are learned."""
        return sum(len(each.tokens) for each in self.lessons)

    @property
    def learned(self) -> int:
        """Tokens that count in the loss."""
        return sum(each.learned for each in self.lessons)

    def words(self, limit: int) -> list[str]:
        """What is about to be learned, said before the first step; of the example only the end."""
        shown = self.example if len(self.example) <= _SHOWN else f"…{self.example[-_SHOWN:]}"
        return [
            f"{len(self.lessons)} rows of {self.tokens:,} tokens, {self.learned:,} of them learned, "
            f"{self.ended:,} rows to their end; {len(self.watched)} rows watched; "
            f"the longest {self.longest} tokens, {self.too_long} rows over {limit}",
            f"learned is what stands between ⟦ and ⟧: {shown!r}",
        ]


class Lesson(NamedTuple):
    """How a training went, and what writes the student into a folder."""

    training: Training
    save: Callable[[Path], None]


class LocalTrainer(BaseModel):
    """Trains on this machine: on a GPU where there is one, else on the CPU in float32."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trainer: Literal["local"]
    base: Weights = Field(description="owner/name[@revision] on the hub, a folder, or package:NAME/FILE.gguf.")
    tuning: Tuning = Field(default=Lora(method="lora"), description="What learns: `lora`, `qlora` or `full`.")
    prompt: File | None = Field(
        default=None,
        description="What the student is told before each conversation, in training and ever after: nothing where left "
        "out; the teacher's prompt, or a shorter one.",
    )
    turns: Turns = Field(default="last", description="Whether only the answer is learned, or all assistant turns.")
    epochs: int | None = Field(
        default=None, ge=1, description="How often each row is seen; by the number of rows where left out."
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        description="AdamW's highest rate, after warming up over a tenth of the steps; by method where left out.",
    )
    search: list[PositiveFloat] = Field(
        default=[], description="Learning rates to try, a training each; the lowest validation loss wins."
    )
    batch_rows: int = Field(default=8, ge=1, description="Rows a step.")
    patience: int | None = Field(
        default=3,
        ge=1,
        description="Looks without a lower validation loss after which training stops; there are four or more.",
    )
    emphasis: dict[str, PositiveFloat] = Field(
        default={}, description="Fields of a JSON answer whose tokens weigh more in the loss, and how much more."
    )
    approved_weight: PositiveFloat = Field(default=1, description="How much an approved row weighs, another being 1.")
    whole_answers: float = Field(
        default=1.0, gt=0, le=1, description="The share of rows that are learned beyond their last emphasised field."
    )
    max_tokens: int = Field(
        default=512,
        ge=8,
        description="Rows longer than this are learned up to their last emphasised field where that fits, else dropped "
        "and counted.",
    )
    seed: int = Field(default=0, description="Decides the order of the rows, and how adapters begin.")

    @model_validator(mode="after")
    def _one_way_to_the_rate(self) -> "LocalTrainer":
        if self.search and self.learning_rate is not None:
            raise ValueError("search and learning_rate: give one of them")
        if len(set(self.search)) < len(self.search):
            raise ValueError(f"search: the rates {self.search} are not all different")
        return self

    def base_model(self) -> Local:
        """The base as a model that answers."""
        return Local(provider="local", weights=self.base)

    def asked(self) -> list[AnyModel]:
        """The models that evaluation asks because of this trainer, beside the student itself."""
        return [self.base_model()]

    def check(self) -> None:
        """Raises `ExtraMissing` where what training needs is not installed."""
        for package in ("torch", "transformers"):
            if importlib.util.find_spec(package) is None:
                raise ExtraMissing(f"train: {package!r} is not installed. Run: pip install 'stillhouse[local]'")
        self.tuning.check()

    def learn(self, rows: Sequence[Kept], watched: Sequence[Kept], checkpoints: Path | None = None) -> Lesson:
        """Train on `rows`, watching the loss on `watched`. Raises `StageFailed` where there is nothing to learn.

        Checkpoints are kept in the folder, if one is given, and the training goes on from what lies there.
        """
        import torch

        started = time.monotonic()
        model, tokenizer = self.tuning.load(self.base)
        material = self._material(self._rendering(model, tokenizer), rows, watched)
        if self.search and not material.watched:
            raise StageFailed("train: train.search compares losses on validation rows; there are none. Leave it out.")
        for line in material.words(self.max_tokens):
            logger.info("train: %s", line)
        torch.manual_seed(self.seed)
        tuned = self.tuning.begin(model)
        upper = UpperLayers(model, self.tuning.layers, [*material.lessons, *material.watched])
        upper.check([Learnable(each) for each in material.lessons[:_CHECKED]])
        train, validation = upper.learnable(material.lessons), upper.learnable(material.watched)
        rates = self.search or [self.learning_rate or self.tuning.default_rate(model.config.hidden_size)]
        recipes = [self._recipe(len(train), each) for each in rates]
        best, trials = try_each(upper, train, validation, recipes, checkpoints)
        learning = sum(each.numel() for each in model.parameters() if each.requires_grad)
        training = self._training(material, learning, best, trials, time.monotonic() - started)
        return Lesson(training, lambda folder: self._save(folder, tuned, tokenizer, training))

    def _training(
        self, material: Material, learning: int, best: Trial, trials: Sequence[Trial], seconds: float
    ) -> Training:
        return Training(
            rows=len(material.lessons),
            watched=len(material.watched),
            too_long=material.too_long,
            tokens=material.tokens,
            answer_tokens=material.learned,
            longest_row=material.longest,
            trained_parameters=learning,
            steps=best.curve[-1].step,
            seconds=seconds,
            example=material.example,
            curve=best.curve,
            method=self.tuning.method,
            epochs=best.recipe.epochs,
            learning_rate=best.recipe.learning_rate,
            best_step=best_point(best.curve).step,
            searched=[Tried(learning_rate=each.recipe.learning_rate, validation_loss=each.lowest()) for each in trials],
        )

    def _rendering(self, model: Any, tokenizer: Any) -> Rendering:
        return Rendering(
            tokenizer,
            end_tokens(model, tokenizer),
            self.prompt.text() if self.prompt else "",
            self.turns,
            self.emphasis,
            self.approved_weight,
        )

    def _material(self, rendering: Rendering, rows: Sequence[Kept], watched: Sequence[Kept]) -> Material:
        if not rows:
            raise StageFailed("train: there is no row to learn from. Loosen the filter, or change split.")
        for field in self.emphasis:
            if not any(field in (as_object(row["completion"]) or {}) for row in rows):
                raise StageFailed(
                    f"train: train.emphasis: no row's answer has a field {field!r}. Name one that is there."
                )
        rendered = [each if self._whole(each) else each.up_to_emphasis() for each in rendering.examples(rows)]
        lessons = [each for each in rendered if len(each.tokens) <= self.max_tokens]
        seen = [each for each in rendering.examples(watched) if len(each.tokens) <= self.max_tokens]
        if not lessons:
            raise StageFailed(
                f"train: each of {len(rows)} rows is longer than train.max_tokens={self.max_tokens}. Raise it."
            )
        ended = sum(1 for each in lessons if each.weights[-1] and each.tokens[-1] in rendering.ends)
        if not ended:
            raise StageFailed(
                f"train: of {len(lessons)} rows none is learned to its end, so the student would never learn to stop. "
                f"Raise train.whole_answers={self.whole_answers}."
            )
        return Material(
            lessons=lessons,
            watched=seen,
            ended=ended,
            too_long=len(rows) + len(watched) - len(lessons) - len(seen),
            longest=max(len(each.tokens) for each in rendered),
            example=rendering.marked(lessons[0]),
        )

    def _whole(self, example: Example) -> bool:
        """Whether a row is learned to its end: one that fits, drawn by what it says, not by where it stands."""
        drawn = int(digest([self.seed, example.tokens[: example.read]])[:8], 16) < self.whole_answers * 2**32
        return drawn and len(example.tokens) <= self.max_tokens

    def _recipe(self, rows: int, learning_rate: float) -> Recipe:
        epochs = self.epochs or next(own for limit, own in _EPOCHS.items() if rows <= limit)
        return Recipe(epochs, learning_rate, self.batch_rows, self.patience, self.seed)

    def _save(self, folder: Path, tuned: Any, tokenizer: Any, training: Training) -> None:
        self.tuning.save(tuned, self.base, folder)
        tokenizer.save_pretrained(folder)
        licence = self.base.licence() if self.base.path else ""  # the hub may not answer, or answer otherwise
        origin = Origin(self.base.reference, licence, self.prompt.text() if self.prompt else "")
        told = {"provider": "local", **origin._asdict()}
        (folder / "student.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        (folder / "README.md").write_text(card("student", origin, training), encoding="utf-8")
        (folder / "training.json").write_text(training.model_dump_json(indent=1, exclude={"seconds"}), encoding="utf-8")
