"""The loss of a batch: on the learned tokens only, and logits only there."""

from collections.abc import Sequence
from typing import Any

from tasks.models.request import in_batches
from tasks.trainers.upper import Learnable, UpperLayers, mixed_precision


def token_losses(upper: UpperLayers, batch: Sequence[Learnable]) -> tuple[Any, Any]:
    """The cross-entropy of each learned token of a batch, and its weight."""
    import torch

    device = upper.model.device
    top = upper.top_states(batch)
    own = [(at, token, weight) for each in batch for at, token, weight in _targets(each, upper.shared)]
    row_of = [row for row, each in enumerate(batch) for _ in range(each.example.learned)]
    learned = top[torch.tensor(row_of, device=device), torch.tensor([at for at, _, _ in own], device=device)]
    weights = torch.tensor([weight for _, _, weight in own], device=device)
    with mixed_precision(device.type):
        logits = upper.model.lm_head(learned.to(upper.model.dtype))
    targets = torch.tensor([token for _, token, _ in own], device=device)
    return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none"), weights


def _targets(each: Learnable, shared: int) -> list[tuple[int, int, float]]:
    """For each learned token: the position before it, behind the shared tokens, the token, and its weight."""
    tokens, weights = each.example.tokens, each.example.weights
    return [
        (at - shared - 1, token, weight)
        for at, (token, weight) in enumerate(zip(tokens, weights, strict=True))
        if weight
    ]


def validation_loss(upper: UpperLayers, watched: Sequence[Learnable], size: int) -> float | None:
    """The weighted mean loss a token over all watched rows; None where there are none."""
    import torch

    if not watched:
        return None
    total = weight = 0.0
    upper.model.eval()
    with torch.no_grad():
        for positions in in_batches([len(each.example.tokens) for each in watched], size):
            losses, weights = token_losses(upper, [watched[at] for at in positions])
            total += (losses * weights).sum().item()
            weight += weights.sum().item()
    return total / weight
