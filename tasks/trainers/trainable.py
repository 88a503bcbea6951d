"""The weights of a model that learn: taken, copied and put back."""

from collections.abc import Mapping
from typing import Any

from tasks.trainers.upper import UpperLayers


def trainable(upper: UpperLayers) -> dict[str, Any]:
    """The weights that learn, by name."""
    return {name: each for name, each in upper.model.named_parameters() if each.requires_grad}


def copied(weights: Mapping[str, Any]) -> dict[str, Any]:
    """The weights as they are now."""
    return {name: weight.detach().clone() for name, weight in weights.items()}


def put(weights: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Give weights the values that stand under their names."""
    import torch

    with torch.no_grad():
        for name, tensor in content.items():
            weights[name].copy_(tensor)
