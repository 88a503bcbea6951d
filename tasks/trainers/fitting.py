"""The training loop: length-grouped batches, loss on the answers' tokens only, logits only where there is loss."""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tasks.errors import StageFailed
from tasks.evidence import CurvePoint
from tasks.models.request import in_batches
from tasks.progress import Progress
from tasks.trainers.rendering import Example
from tasks.trainers.upper import UpperLayers, mixed_precision

_WARMUP = 0.1
_CLIP = 1.0
_SORTED_AT_ONCE = 8


class Recipe(NamedTuple):
    """What decides the outcome beside the rows."""

    epochs: int
    learning_rate: float
    batch_rows: int
    seed: int


class Learnable(NamedTuple):
    """An example, and what the frozen layers give for it, in the shape (tokens, width)."""

    example: Example
    states: Any


def fit(
    upper: UpperLayers, train: Sequence[Learnable], watched: Sequence[Learnable], recipe: Recipe
) -> list[CurvePoint]:
    """Train the upper layers in place, and return the loss curve. Raises `StageFailed` where the loss is not finite."""
    import torch

    parameters = upper.parameters()
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    steps = recipe.epochs * math.ceil(len(train) / recipe.batch_rows)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    progress = Progress("train", steps, "steps")
    draw = random.Random(recipe.seed)
    curve: list[CurvePoint] = []
    with upper.on_top():
        for epoch in range(1, recipe.epochs + 1):
            losses: list[float] = []
            upper.model.train()
            for batch in _shuffled(train, recipe.batch_rows, draw):
                loss = _loss(upper, batch)
                if not torch.isfinite(loss):
                    raise StageFailed(f"train: the loss is {loss.item()} in epoch {epoch}. Lower train.learning_rate.")
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters, _CLIP)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                schedule.step()
                losses.append(loss.item())
                progress.advance(1, f"loss {losses[-1]:.2f}")
            curve.append(
                CurvePoint(
                    step=epoch * len(losses),
                    epoch=epoch,
                    train_loss=math.fsum(losses) / len(losses),
                    validation_loss=_validation_loss(upper, watched, recipe.batch_rows),
                )
            )
    if not all(torch.isfinite(parameter).all() for parameter in parameters):
        raise StageFailed("train: the last step left weights that are not finite. Lower train.learning_rate.")
    return curve


def _rate(step: int, steps: int) -> float:
    warm = max(1, int(_WARMUP * steps))
    return (step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm)


def _shuffled(train: Sequence[Learnable], size: int, draw: random.Random) -> Iterator[list[Learnable]]:
    """Batches in random order, each of rows of similar length."""
    order = draw.sample(range(len(train)), len(train))
    chunk = size * _SORTED_AT_ONCE
    batches: list[list[Learnable]] = []
    for start in range(0, len(order), chunk):
        own = [train[at] for at in order[start : start + chunk]]
        batches += [[own[at] for at in batch] for batch in in_batches([each.example.length() for each in own], size)]
    draw.shuffle(batches)
    yield from batches


def _loss(upper: UpperLayers, batch: Sequence[Learnable]) -> Any:
    """Weighted mean cross-entropy over the learned tokens."""
    import torch

    top = upper.top_states([each.states for each in batch])
    spans = [(len(each.example.prompt) - upper.shared - 1, len(each.example.answer)) for each in batch]
    learned = torch.cat([row[start : start + count] for row, (start, count) in zip(top, spans, strict=True)])
    device = upper.model.device
    targets = torch.tensor([token for each in batch for token in each.example.answer], device=device)
    weights = torch.tensor([weight for each in batch for weight in each.example.weights], device=device)
    with mixed_precision(device.type):
        logits = upper.model.lm_head(learned)
    losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return (losses * weights).sum() / weights.sum()


def _validation_loss(upper: UpperLayers, watched: Sequence[Learnable], size: int) -> float | None:
    import torch

    if not watched:
        return None
    total = weight = 0.0
    upper.model.eval()
    with torch.no_grad():
        for positions in in_batches([each.example.length() for each in watched], size):
            batch = [watched[at] for at in positions]
            own = math.fsum(math.fsum(each.example.weights) for each in batch)
            total += _loss(upper, batch).item() * own
            weight += own
    return total / weight
