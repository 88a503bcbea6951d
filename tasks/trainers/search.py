"""The search for a learning rate: each trained from the same start, judged on the validation rows alone."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tasks.evidence import CurvePoint
from tasks.trainers.fitting import Diverged, Recipe, best_point, fit
from tasks.trainers.trainable import copied, put, trainable
from tasks.trainers.upper import Learnable, UpperLayers

logger = logging.getLogger("stillhouse.train")


class Trial(NamedTuple):
    """What a recipe came to: its loss curve, empty where it diverged."""

    recipe: Recipe
    curve: list[CurvePoint]

    def lowest(self) -> float | None:
        """The lowest validation loss; None where it diverged, or nothing was watched."""
        return best_point(self.curve).validation_loss if self.curve else None

    def beats(self, other: "Trial | None") -> bool:
        """Whether its validation loss is lower."""
        own, others = self.lowest(), other.lowest() if other else None
        return other is None or (own is not None and others is not None and own < others)


def try_each(
    upper: UpperLayers,
    train: Sequence[Learnable],
    watched: Sequence[Learnable],
    recipes: Sequence[Recipe],
    checkpoints: Path | None,
) -> tuple[Trial, list[Trial]]:
    """Train by each recipe from the same start, and leave the weights with the lowest validation loss in the model.

    Returns the trial that made them, and all trials. Raises `Diverged` where every recipe diverges.
    """
    weights = trainable(upper)
    start = copied(weights) if len(recipes) > 1 else {}
    trials: list[Trial] = []
    best, best_weights = None, dict[str, Any]()
    for number, recipe in enumerate(recipes):
        put(weights, start)
        try:
            curve = fit(upper, train, watched, recipe, checkpoints and checkpoints / str(number))
        except Diverged as error:
            if number + 1 == len(recipes) and best is None:
                raise
            logger.info("learning rate %.3g: %s", recipe.learning_rate, error)
            trials.append(Trial(recipe, []))
            continue
        trials.append(Trial(recipe, curve))
        if trials[-1].beats(best):
            best, best_weights = trials[-1], copied(weights) if len(recipes) > 1 else {}
    assert best is not None
    put(weights, best_weights)
    return best, trials
