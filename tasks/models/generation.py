"""Greedy generation in batches: what prompts share is computed once, and rows leave when they end."""

from collections.abc import Sequence
from typing import Any

from tasks.models.chat import shared_prefix

_ATTENTION = "stillhouse_shared_prefix"


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end an answer: what the model declares, and the tokenizer's own."""
    declared = model.generation_config.eos_token_id
    listed = declared if isinstance(declared, list) else [declared]
    return {token for token in [*listed, tokenizer.eos_token_id] if token is not None}


def _attends_plainly(model: Any) -> bool:
    """Whether attention is a softmax over all earlier tokens: no window, no cap on its scores, no sinks."""
    config = model.config.get_text_config()
    odd = ("sliding_window", "attn_logit_softcapping", "attention_chunk_size")
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return (
        not any(getattr(config, name, None) for name in odd)
        and kinds == {"full_attention"}
        and config.model_type != "gpt_oss"
    )


class SharedPrefix:
    """A model that attends to one copy of the tokens that all prompts begin with, and to each row's own.

    The copy is computed once, for as many batches of the prompts as are asked within.
    """

    def __init__(self, model: Any, prompts: Sequence[list[int]]) -> None:
        self._model = model
        self._prefix = prompts[0][: shared_prefix(prompts)] if prompts and _attends_plainly(model) else []
        self._usual = model.config._attn_implementation
        self._layers: list[tuple[Any, Any]] = []

    def __enter__(self) -> "SharedPrefix":
        """Compute the copy, and let the model attend to it."""
        import torch
        from transformers import AttentionInterface, DynamicCache

        if self._prefix:
            cache: Any = DynamicCache()
            tokens = torch.tensor([self._prefix], device=self._model.device)
            with torch.inference_mode():
                self._model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
            self._layers = [(layer.keys[0], layer.values[0]) for layer in cache.layers]
            AttentionInterface.register(_ATTENTION, _attend)
            self._model.config._attn_implementation = _ATTENTION
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the model as it was."""
        self._model.config._attn_implementation = self._usual

    def complete(self, prompts: Sequence[list[int]], max_tokens: int, ends: set[int]) -> list[list[int]]:
        """The likeliest tokens after each of some of the prompts, without the end token, at most `max_tokens` of them.

        Shapes within: tokens and mask are (rows, length), padded on the left; the shared prefix is in neither.
        """
        import torch

        if not prompts:
            return []
        completions: list[list[int]] = [[] for _ in prompts]
        with torch.inference_mode():
            tokens, mask = self.padded(prompts)
            cache = self._own_cache()
            alive = list(range(len(prompts)))
            for _ in range(max_tokens):
                chosen = self.logits(tokens, mask, cache)[:, -1].argmax(-1)
                ongoing = [row for row, token in enumerate(chosen.tolist()) if token not in ends]
                for row in ongoing:
                    completions[alive[row]].append(int(chosen[row]))
                if not ongoing:
                    break
                if len(ongoing) < len(alive):
                    staying = torch.tensor(ongoing, device=self._model.device)
                    cache.batch_select_indices(staying)
                    chosen, mask, alive = chosen[staying], mask[staying], [alive[row] for row in ongoing]
                tokens = chosen[:, None]
                mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=-1)
        return completions

    def padded(self, rows: Sequence[list[int]]) -> tuple[Any, Any]:
        """Rows as one tensor without the shared prefix, padded on the left, and the mask that tells tokens from it."""
        import torch

        own = [row[len(self._prefix) :] for row in rows]
        width = max(len(row) for row in own)
        tokens = [[0] * (width - len(row)) + row for row in own]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in own]
        device = self._model.device
        return torch.tensor(tokens, device=device), torch.tensor(mask, device=device)

    def logits(self, tokens: Any, mask: Any, cache: Any = None, keep: int = 1) -> Any:
        """The scores of what follows each of a row's last `keep` tokens, in the shape (rows, keep, vocabulary)."""
        new = tokens.shape[1]
        positions = len(self._prefix) + (mask.cumsum(-1) - 1).clamp(min=0)[:, -new:]
        shared: dict[str, Any] = {"shared": self._layers} if self._layers else {}
        return self._model(
            input_ids=tokens,
            attention_mask=_visible(mask, new) if self._layers else mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=cache is not None,
            logits_to_keep=keep,
            **shared,
        ).logits

    def _own_cache(self) -> Any:
        """A cache for what the rows do not share."""
        from tasks.models.growing import growing_cache

        return growing_cache()


def _visible(mask: Any, new: int) -> Any:
    """Which of its own tokens each new token may attend to, in the shape (rows, 1, new, length)."""
    import torch

    length = mask.shape[1]
    ages = torch.arange(length, device=mask.device)
    earlier = ages[None, :] <= ages[length - new :, None]
    return mask[:, None, None, :].bool() & earlier[None, None]


def _attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, *, scaling: float, shared: Any, **_: Any
) -> tuple[Any, None]:
    """Attention over the shared prefix and a row's own tokens at once, in the shape (rows, new, heads, width).

    Shapes: query (rows, heads, new, width); key and value (rows, key heads, length, width); shared (key heads, prefix,
    width). One new token a row is answered for all rows together; many are answered row by row, to stay in the cache.
    """
    import torch

    prefix = shared[module.layer_idx]
    if query.shape[2] == 1:
        return _together(query * scaling, key, value, attention_mask, *prefix), None
    parts = [
        _together(query[row : row + 1] * scaling, key[row : row + 1], value[row : row + 1], mask, *prefix)
        for row, mask in enumerate(attention_mask[:, None])
    ]
    return torch.cat(parts), None


def _together(query: Any, key: Any, value: Any, visible: Any, keys: Any, values: Any) -> Any:
    """One softmax over prefix and own tokens. The prefix is one product for all rows: there, key heads come first."""
    import torch

    rows, heads, new, width = query.shape
    kinds = key.shape[1]
    group = heads // kinds
    asked = query.reshape(rows, kinds, group * new, width)
    own = (asked @ key.transpose(-1, -2)).view(rows, kinds, group, new, -1)
    own = own.masked_fill(~visible[:, :, None], torch.finfo(own.dtype).min).view(rows, kinds, group * new, -1)
    prefix = asked.transpose(0, 1).reshape(kinds, -1, width) @ keys.transpose(-1, -2)
    weights = torch.cat([prefix.view(kinds, rows, group * new, -1).transpose(0, 1), own], dim=-1).softmax(-1)
    on_prefix, on_own = weights.split([prefix.shape[-1], own.shape[-1]], dim=-1)
    seen = on_prefix.transpose(0, 1).reshape(kinds, rows * group * new, -1) @ values
    seen = on_own @ value + seen.view(kinds, rows, group * new, width).transpose(0, 1)
    return seen.reshape(rows, heads, new, width).transpose(1, 2)
