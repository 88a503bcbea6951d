"""The upper layers of a model, trained on what the frozen lower ones give, which is computed once a row."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from tasks.errors import ModelUnavailable
from tasks.models.chat import shared_prefix
from tasks.models.request import in_batches
from tasks.progress import Progress
from tasks.trainers.rendering import Example

_BATCH = 8
_TOLERANCE = 5e-2


class UpperLayers:
    """A causal model split below its last `count` layers, and the tokens that all examples begin with, computed once.

    Hidden states have the shape (tokens, width) and leave the shared tokens out. Raises `ModelUnavailable` where the
    model's layers are not where transformers' decoders have them.
    """

    def __init__(self, model: Any, count: int, examples: Sequence[Example]) -> None:
        import torch

        body = getattr(model, "model", None)
        if body is None or not hasattr(body, "layers") or not hasattr(body, "norm"):
            raise ModelUnavailable(f"{type(model).__name__} has no `model.layers` and `model.norm` to train a part of")
        self.model, self._body = model, body
        self._layers, self._norm = body.layers, body.norm
        self._below = max(0, len(self._layers) - count)
        self.shared = shared_prefix([example.prompt for example in examples])
        self._tokens = torch.tensor([examples[0].prompt[: self.shared]], dtype=torch.long, device=model.device)
        self._shared_states: Any = None
        if self.shared:
            with torch.no_grad(), self._only(0, self._below, torch.nn.Identity()):
                self._shared_states = self._body(input_ids=self._tokens, use_cache=False).last_hidden_state

    def parameters(self) -> list[Any]:
        """What is trained: the upper layers and the norm behind them; everything else is frozen."""
        self.model.requires_grad_(False)
        trained = [*self._layers[self._below :].parameters(), *self._norm.parameters()]
        for parameter in trained:
            parameter.requires_grad_(True)
        return trained

    def lower_states(self, examples: Sequence[Example]) -> list[Any]:
        """What the frozen layers give for each example's own tokens."""
        import torch

        states: list[Any] = [None] * len(examples)
        progress = Progress("train", len(examples), "rows through the frozen layers")
        with torch.no_grad(), self._only(0, self._below, torch.nn.Identity()):
            for batch in in_batches([example.length() for example in examples], _BATCH):
                rows = [torch.tensor((examples[at].prompt + examples[at].answer)[self.shared :]) for at in batch]
                for hidden, row, at in zip(self._forward("input_ids", rows, self._tokens), rows, batch, strict=True):
                    states[at] = hidden[: len(row)].clone()
                progress.advance(len(batch))
        return states

    def top_states(self, states: Sequence[Any]) -> Any:
        """What the upper layers make of lower states, in the shape (rows, longest, width); call within `on_top`."""
        return self._forward("inputs_embeds", states, self._shared_states)

    @contextmanager
    def on_top(self) -> Generator[None]:
        """Within, the model is its upper layers."""
        with self._only(self._below, len(self._layers), self._norm):
            yield

    def check(self, example: Example, states: Any) -> None:
        """Raises `ModelUnavailable` unless the two parts together compute what the whole model does."""
        import torch

        tokens = torch.tensor([example.prompt + example.answer], device=self.model.device)
        with torch.no_grad():
            whole = self._body(input_ids=tokens, use_cache=False).last_hidden_state[0, self.shared :]
            with self.on_top():
                parts = self.top_states([states])[0]
        off = (whole - parts).abs().max().item() / max(1.0, whole.abs().max().item())
        if not off < _TOLERANCE:
            raise ModelUnavailable(f"{type(self.model).__name__}: its layers do not split (states differ by {off:.3g})")

    def _forward(self, name: str, rows: Sequence[Any], shared: Any) -> Any:
        """The current layers over rows of unequal length, padded on the right, each behind the shared tokens."""
        import torch
        from transformers import DynamicCache

        padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True).to(self.model.device)
        with mixed_precision(self.model.device.type):
            if not self.shared:
                return self._body(**{name: padded}, use_cache=False).last_hidden_state.float()
            cache: Any = DynamicCache()
            self._body(**{name: shared}, past_key_values=cache, use_cache=True)
            cache.batch_repeat_interleave(len(rows))
            return self._body(**{name: padded}, past_key_values=cache, use_cache=True).last_hidden_state.float()

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


def mixed_precision(device: str) -> Any:
    """Matrix products in bfloat16 on a GPU that has them; the weights, and all on a CPU, stay in float32."""
    import torch

    native = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device, dtype=torch.bfloat16, enabled=native)
