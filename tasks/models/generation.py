"""Greedy generation in batches: what the prompts share is computed once, and rows leave the batch when they end."""

from collections.abc import Sequence
from typing import Any

from tasks.models.chat import shared_prefix


def complete(model: Any, prompts: Sequence[list[int]], max_tokens: int, ends: set[int]) -> list[list[int]]:
    """The likeliest tokens after each prompt, without the end token, at most `max_tokens` of them.

    Shapes within: tokens and mask are (rows, length); rows are padded on the left of what they do not share.
    """
    import torch

    if not prompts:
        return []
    with torch.inference_mode():
        prefix = shared_prefix(prompts)
        cache = _prefix_cache(model, prompts[0][:prefix], len(prompts))
        tokens, mask = _padded([prompt[prefix:] for prompt in prompts], prefix, model.device)
        completions: list[list[int]] = [[] for _ in prompts]
        alive = list(range(len(prompts)))
        for _ in range(max_tokens):
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
            logits = model(
                input_ids=tokens,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits
            chosen = logits[:, -1].argmax(-1)
            ongoing = [row for row, token in enumerate(chosen.tolist()) if token not in ends]
            for row in ongoing:
                completions[alive[row]].append(int(chosen[row]))
            if not ongoing:
                break
            if len(ongoing) < len(alive):
                staying = torch.tensor(ongoing, device=model.device)
                cache.batch_select_indices(staying)
                chosen, mask, alive = chosen[staying], mask[staying], [alive[row] for row in ongoing]
            tokens = chosen[:, None]
            mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=-1)
    return completions


def _prefix_cache(model: Any, prefix: list[int], rows: int) -> Any:
    import torch
    from transformers import DynamicCache

    cache: Any = DynamicCache()
    if prefix:
        model(input_ids=torch.tensor([prefix], device=model.device), past_key_values=cache, logits_to_keep=1)
        cache.batch_repeat_interleave(rows)
    return cache


def _padded(rows: Sequence[list[int]], prefix: int, device: Any) -> tuple[Any, Any]:
    import torch

    width = max(len(row) for row in rows)
    tokens = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros(len(rows), prefix + width, dtype=torch.long)
    mask[:, :prefix] = 1
    for number, row in enumerate(rows):
        tokens[number, width - len(row) :] = torch.tensor(row)
        mask[number, prefix + width - len(row) :] = 1
    return tokens.to(device), mask.to(device)
