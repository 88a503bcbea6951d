"""The training loop: batches in parts, looks at the validation rows, checkpoints, best weights."""

import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tasks.errors import StageFailed
from tasks.evidence import CurvePoint
from tasks.progress import Progress
from tasks.trainers.checkpoints import Checkpoint, Checkpoints, State
from tasks.trainers.losses import token_losses, validation_loss
from tasks.trainers.trainable import copied, put, trainable
from tasks.trainers.upper import Learnable, UpperLayers

_WARMUP = 0.1
_CLIP = 1.0
_LOOKS = 4


class Recipe(NamedTuple):
    """What decides the outcome beside the rows. `patience` counts looks at the validation rows."""

    epochs: int
    learning_rate: float
    batch_rows: int
    patience: int | None
    seed: int


class Diverged(StageFailed):
    """A loss or a weight is not finite."""


def fit(
    upper: UpperLayers,
    train: Sequence[Learnable],
    watched: Sequence[Learnable],
    recipe: Recipe,
    folder: Path | None = None,
) -> list[CurvePoint]:
    """Train in place, leave the best weights in the model, and return the loss curve.

    The best weights are those with the lowest loss on the watched rows, the last ones where none are watched. Goes on
    from the last checkpoint in the folder, if one is given.
    Raises `StageFailed` where a loss or a weight is not finite.
    """
    fitting = _Fitting(upper, recipe, train)
    checkpoints = Checkpoints(folder)
    kept = checkpoints.last()
    if kept is not None and fitting.takes(kept):
        fitting.restore(kept)
    pace = _Pace(fitting.steps, fitting.state.step)
    order = list[list[Learnable]]()
    while not fitting.over():
        epoch, at = divmod(fitting.state.step, fitting.batches)
        if not order or at == 0:
            order = shuffled(train, recipe.batch_rows, f"{recipe.seed}/{epoch}")
        pace.stepped(order[at], fitting.learn(order[at]))
        if fitting.looks_now():
            fitting.look(validation_loss(upper, watched))
        if checkpoints.due():
            checkpoints.save(fitting.state, fitting.tensors())
    checkpoints.save(fitting.state, fitting.tensors())
    fitting.take_best()
    return fitting.state.curve


def best_point(curve: Sequence[CurvePoint]) -> CurvePoint:
    """The point with the lowest validation loss, the last one where nothing was watched."""
    watched = [point for point in curve if point.validation_loss is not None]
    return min(watched, key=lambda point: point.validation_loss or 0.0) if watched else curve[-1]


def rate(step: int, steps: int) -> float:
    """The share of the highest learning rate: up over a tenth of the steps, then down to nothing."""
    warm = max(1, int(_WARMUP * steps))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def shuffled(train: Sequence[Learnable], size: int, draw: str) -> list[list[Learnable]]:
    """An epoch's batches, of rows in random order: batches of rows of one length learn less."""
    order = random.Random(draw).sample(train, len(train))
    return [order[start : start + size] for start in range(0, len(order), size)]


class _Pace:
    """The progress that is shown: loss, tokens a second, seconds left."""

    def __init__(self, steps: int, done: int) -> None:
        self._progress = Progress("train", steps, "steps")
        self._progress.advance(done)
        self._started, self._first, self._tokens = time.monotonic(), done, 0

    def stepped(self, batch: Sequence[Learnable], loss: float) -> None:
        self._tokens += sum(len(each.example.tokens) for each in batch)
        seconds = time.monotonic() - self._started
        done = self._progress.done + 1
        left = seconds / (done - self._first) * (self._progress.total - done)
        self._progress.advance(1, f"loss {loss:.3f}, {self._tokens / seconds:.0f} tokens/s, {left:.0f} s left")


class _Fitting:
    """A training under way: the weights that learn, their optimizer, and how far it has come."""

    def __init__(self, upper: UpperLayers, recipe: Recipe, train: Sequence[Learnable]) -> None:
        import torch

        torch.manual_seed(recipe.seed)
        self._upper, self._recipe = upper, recipe
        self._weights = trainable(upper)
        self._optimizer = torch.optim.AdamW(
            list(self._weights.values()), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )
        self._best: dict[str, Any] = {}
        self.batches = math.ceil(len(train) / recipe.batch_rows)
        self.steps = recipe.epochs * self.batches
        weights = math.fsum(math.fsum(each.example.weights) for each in train)
        self._mean_weight = weights / sum(each.example.learned for each in train)
        self.state = State()

    def over(self) -> bool:
        """Whether all steps are done, or the validation loss has not fallen for as many looks as patience allows."""
        curve, patience = self.state.curve, self._recipe.patience
        stale = bool(curve) and patience is not None and len(curve) - 1 - curve.index(best_point(curve)) >= patience
        return stale or self.state.step >= self.steps

    def learn(self, batch: Sequence[Learnable]) -> float:
        """One step; returns its loss."""
        import torch

        step = self.state.step
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * rate(step, self.steps)
        self._upper.model.train()
        loss, learned = 0.0, sum(each.example.learned for each in batch)
        for part in self._upper.in_parts([each.example for each in batch]):
            own = self.loss([batch[at] for at in part], learned)
            own.backward()
            loss += own.item()
        if not math.isfinite(loss):
            raise Diverged(f"train: the loss is {loss} at step {step + 1}. Lower train.learning_rate.")
        torch.nn.utils.clip_grad_norm_(self._weights.values(), _CLIP)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.state = self.state.model_copy(update={"step": step + 1, "losses": [*self.state.losses, loss]})
        return loss

    def loss(self, part: Sequence[Learnable], learned: int) -> Any:
        """A part's share of its batch's mean loss a token, of which the batch has so many that are learned.

        A row that weighs twice as much counts twice, also in a batch of its own.
        """
        losses, weights = token_losses(self._upper, part)
        return (losses * weights).sum() / (learned * self._mean_weight)

    def looks_now(self) -> bool:
        """Whether the validation rows are due: after each epoch, and four times in a training of fewer epochs."""
        at = (self.state.step - 1) % self.batches + 1
        every = math.ceil(self.batches / math.ceil(_LOOKS / self._recipe.epochs))
        return at == self.batches or at % every == 0

    def look(self, loss: float | None) -> None:
        """Put a point on the curve, and keep the weights where they are the best so far. Raises `Diverged`."""
        if loss is not None and not math.isfinite(loss):
            raise Diverged(f"train: the validation loss is {loss}. Lower train.learning_rate.")
        losses = self.state.losses
        point = CurvePoint(
            step=self.state.step,
            epoch=self.state.step / self.batches,
            train_loss=math.fsum(losses) / len(losses),
            validation_loss=loss,
        )
        self.state = self.state.model_copy(update={"losses": [], "curve": [*self.state.curve, point]})
        if loss is not None and best_point(self.state.curve) is point:
            self._best = copied(self._weights)

    def take_best(self) -> None:
        """Leave the best weights in the model. Raises `StageFailed` where one is not finite."""
        import torch

        put(self._weights, self._best)
        if not all(torch.isfinite(weight).all() for weight in self._weights.values()):
            raise Diverged("train: the last step left weights that are not finite. Lower train.learning_rate.")

    def tensors(self) -> dict[str, Any]:
        """All that the training needs to go on: weights, moments, the best weights, the state of the random numbers."""
        import torch

        tensors = {f"weights/{name}": weight.detach() for name, weight in self._weights.items()}
        for name, weight in self._weights.items():
            moments = self._optimizer.state[weight]
            tensors |= {f"first/{name}": moments["exp_avg"], f"second/{name}": moments["exp_avg_sq"]}
        tensors |= {f"best/{name}": weight for name, weight in self._best.items()}
        if torch.cuda.is_available():
            tensors["random_gpu"] = torch.cuda.get_rng_state()
        tensors["random"] = torch.get_rng_state()
        return tensors

    def takes(self, kept: Checkpoint) -> bool:
        """Whether a checkpoint has what these weights need: another version of a library may name them otherwise."""
        return all(
            f"{kind}/{name}" in kept.tensors and kept.tensors[f"{kind}/{name}"].shape == weight.shape
            for name, weight in self._weights.items()
            for kind in ("weights", "first", "second")
        )

    def restore(self, kept: Checkpoint) -> None:
        """Go on from a checkpoint."""
        import torch

        def named(kind: str) -> dict[str, Any]:
            own = {name: tensor for name, tensor in kept.tensors.items() if name.startswith(f"{kind}/")}
            return {name.removeprefix(f"{kind}/"): tensor.to(self._upper.model.device) for name, tensor in own.items()}

        self.state = kept.state
        put(self._weights, named("weights"))
        self._best = named("best")
        first, second = named("first"), named("second")
        for name, weight in self._weights.items():
            self._optimizer.state[weight] = {
                "step": torch.tensor(float(kept.state.step), device=weight.device),
                "exp_avg": first[name],
                "exp_avg_sq": second[name],
            }
        torch.set_rng_state(kept.tensors["random"])
        if "random_gpu" in kept.tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(kept.tensors["random_gpu"])
