"""The upper layers of a model, trained on what the frozen lower ones give, which is computed once a row."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from tasks.errors import ModelUnavailable
from tasks.models.chat import shared_prefix
from tasks.progress import Progress
from tasks.trainers.rendering import Example

_TOLERANCE = 5e-2
_TOKENS_AT_ONCE = {"cpu": 512}
_ON_A_GPU = 4_096
_KEPT_BYTES = 4 * 2**30


class Learnable(NamedTuple):
    """An example, and what the frozen layers give for its own tokens, in the shape (tokens, width).

    `states` is None where nothing is frozen, or where the states of all examples would not fit into memory.
    """

    example: Example
    states: Any = None


class UpperLayers:
    """A causal model split below its last `count` layers, and the tokens that all examples begin with, computed once.

    Without a count all layers are upper ones. Hidden states have the shape (tokens, width) and leave the shared tokens
    out. Rows are packed: one behind the other, without padding, and none sees another. Raises `ModelUnavailable` where
    the model's layers are not where transformers' decoders have them.
    """

    def __init__(self, model: Any, count: int | None, examples: Sequence[Example]) -> None:
        import torch

        self.model, self._body = model, body_of(model)
        self._layers, self._norm = self._body.layers, self._body.norm
        self.below = max(0, len(self._layers) - count) if count else 0
        self.packs = True
        self.shared = shared_prefix([example.tokens[: example.read] for example in examples])
        self._tokens = torch.tensor([examples[0].tokens[: self.shared]], dtype=torch.long, device=model.device)
        self._shared_states: Any = None
        if self.shared and self.below:
            with torch.no_grad(), self._only(0, self.below, torch.nn.Identity()):
                self._shared_states = self._body(input_ids=self._tokens, use_cache=False).last_hidden_state

    def learnable(self, examples: Sequence[Example]) -> list[Learnable]:
        """The examples, with what the frozen layers give for them where that can be kept."""
        tokens = sum(len(example.tokens) - self.shared for example in examples)
        if not self.below or tokens * self.model.config.hidden_size * 4 > _KEPT_BYTES:
            return [Learnable(example) for example in examples]
        states: list[Any] = [None] * len(examples)
        progress = Progress("train", len(examples), "rows through the frozen layers")
        for part in self.in_parts(examples):
            own = [examples[at] for at in part]
            for at, hidden in zip(part, self._lower_states(own), strict=True):
                states[at] = hidden.clone()
            progress.advance(len(part))
        return [Learnable(example, state) for example, state in zip(examples, states, strict=True)]

    def in_parts(self, examples: Sequence[Example]) -> Iterator[list[int]]:
        """Positions in parts of as many tokens as are worked on at once, or of one row; similar lengths together."""
        device, part, held = self.model.device.type, list[int](), 0
        most = max(_TOKENS_AT_ONCE.get(device, _ON_A_GPU), self.shared)
        lengths = [len(example.tokens) - self.shared for example in examples]
        for at in sorted(range(len(lengths)), key=lambda at: (-lengths[at], at)):
            if part and held + lengths[at] > most:
                yield part
                part, held = [], 0
            part.append(at)
            held += lengths[at]
        if part:
            yield part

    def top_states(self, batch: Sequence[Learnable]) -> Any:
        """What the upper layers give for a batch, one row behind the other, in the shape (tokens, width)."""
        if not self.below:
            return self._forward("input_ids", self._own_tokens([each.example for each in batch]), self._tokens)
        kept = [each.states for each in batch]
        if any(states is None for states in kept):
            kept = self._lower_states([each.example for each in batch])
        with self._only(self.below, len(self._layers), self._norm):
            return self._forward("inputs_embeds", kept, self._shared_states)

    def _lower_states(self, examples: Sequence[Example]) -> list[Any]:
        import torch

        rows = self._own_tokens(examples)
        with torch.no_grad(), self._only(0, self.below, torch.nn.Identity()):
            return list(self._forward("input_ids", rows, self._tokens).split([len(row) for row in rows]))

    def _own_tokens(self, examples: Sequence[Example]) -> list[Any]:
        import torch

        return [torch.tensor(example.tokens[self.shared :]) for example in examples]

    def check(self, batch: Sequence[Learnable]) -> None:
        """Rows are padded instead where the model does not keep packed ones apart.

        Raises `ModelUnavailable` unless the two parts together compute what the whole model does.
        """
        off = self._off(batch)
        if not off < _TOLERANCE:
            self.packs = False
            off = self._off(batch)
        if not off < _TOLERANCE:
            raise ModelUnavailable(
                f"{type(self.model).__name__} does not split into layers and `lm_head`: what the parts give together "
                f"differs by {off:.3g} from what it gives itself. Use another base."
            )

    def _off(self, batch: Sequence[Learnable]) -> float:
        """By how much the parts' logits differ from the whole model's, as a share of the largest."""
        import torch

        device = self.model.device
        with torch.no_grad(), mixed_precision(device.type):
            one_by_one = (
                self.model(input_ids=torch.tensor([each.example.tokens], device=device), use_cache=False).logits[0]
                for each in batch
            )
            whole = torch.cat([logits[self.shared :] for logits in one_by_one]).float()
            parts = self.model.lm_head(self.top_states(batch).to(self.model.dtype)).float()
        return (whole - parts).abs().max().item() / max(1.0, whole.abs().max().item())

    def _forward(self, name: str, rows: Sequence[Any], shared: Any) -> Any:
        """What the current layers give for rows of unequal length, each behind the shared tokens."""
        import torch
        from transformers import DynamicCache

        device = self.model.device
        if self.packs:
            given, more = torch.cat(list(rows))[None], _packing([len(row) for row in rows], self.shared, device)
        else:
            given, more = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True), dict[str, Any]()
        with mixed_precision(device.type):
            if self.shared:
                more["past_key_values"] = cache = DynamicCache()
                self._body(**{name: shared}, past_key_values=cache, use_cache=True)
                cache.batch_repeat_interleave(len(given))
            more |= {name: given.to(device), "use_cache": bool(self.shared)}
            states = self._body(**more).last_hidden_state.float()
        if self.packs:
            return states[0]
        return torch.cat([hidden[: len(row)] for hidden, row in zip(states, rows, strict=True)])

    @contextmanager
    def _only(self, start: int, end: int, norm: Any) -> Generator[None]:
        self._body.layers, self._body.norm = self._layers[start:end], norm
        for number, layer in enumerate(self._body.layers):
            layer.self_attn.layer_idx = number
        try:
            yield
        finally:
            self._body.layers, self._body.norm = self._layers, self._norm
            for number, layer in enumerate(self._layers):
                layer.self_attn.layer_idx = number


def _packing(lengths: Sequence[int], shared: int, device: Any) -> dict[str, Any]:
    """Positions and mask of rows that stand one behind the other: each sees the shared tokens and itself so far."""
    import torch

    row = torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths))
    at = torch.cat([torch.arange(length) for length in lengths])
    sees = (row[:, None] == row) & (at[:, None] >= at)
    sees = torch.nn.functional.pad(sees, (shared, 0), value=True)
    return {"position_ids": (shared + at)[None].to(device), "attention_mask": sees[None, None].to(device)}


def body_of(model: Any) -> Any:
    """The part of a model that has the layers. Raises `ModelUnavailable` where it is not where decoders have it."""
    body = getattr(model, "model", None)
    if body is None or not hasattr(body, "layers") or not hasattr(body, "norm"):
        raise ModelUnavailable(f"{type(model).__name__} has no `model.layers` and `model.norm`. Use another base.")
    return body


def mixed_precision(device: str) -> Any:
    """Matrix products in bfloat16 on a GPU that has them; the weights, and all on a CPU, stay in float32."""
    import torch

    native = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device, dtype=torch.bfloat16, enabled=native)
