"""The loss of a batch: on the learned tokens only, and logits only there."""

from collections.abc import Iterator, Sequence
from typing import Any

from tasks.trainers.upper import Learnable, UpperLayers, mixed_precision


def token_losses(upper: UpperLayers, batch: Sequence[Learnable]) -> tuple[Any, Any]:
    """The cross-entropy of each learned token of a batch, and its weight."""
    import torch

    device = upper.model.device
    top = upper.top_states(batch)
    own = list(_targets(batch, upper.shared))
    learned = top[torch.tensor([at for at, _, _ in own], device=device)]
    weights = torch.tensor([weight for _, _, weight in own], device=device)
    with mixed_precision(device.type):
        logits = upper.model.lm_head(learned.to(upper.model.dtype))
    targets = torch.tensor([token for _, token, _ in own], device=device)
    return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none"), weights


def _targets(batch: Sequence[Learnable], shared: int) -> Iterator[tuple[int, int, float]]:
    """For each learned token: where the one before it stands in the batch, the token, and its weight."""
    start = 0
    for each in batch:
        tokens, weights = each.example.tokens, each.example.weights
        for at, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
            if weight:
                yield start + at - shared - 1, token, weight
        start += len(tokens) - shared


def validation_loss(upper: UpperLayers, watched: Sequence[Learnable]) -> float | None:
    """The weighted mean loss a token over all watched rows; None where there are none."""
    import torch

    if not watched:
        return None
    total = weight = 0.0
    upper.model.eval()
    with torch.no_grad():
        for part in upper.in_parts([each.example for each in watched]):
            losses, weights = token_losses(upper, [watched[at] for at in part])
            total += (losses * weights).sum().item()
            weight += weights.sum().item()
    return total / weight
