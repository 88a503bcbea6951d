"""The upper layers of a model, trained on what the frozen lower ones give, which is computed once a row."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from tasks.errors import ModelUnavailable
from tasks.models.request import in_batches
from tasks.trainers.rendering import Example

_BATCH = 16
_TOLERANCE = 1e-2


class UpperLayers:
    """A causal model split below its last `count` layers.

    Hidden states have the shape (tokens, width). Raises `ModelUnavailable` where the model's layers are not where
    transformers' decoders have them, or the two parts together do not compute what the whole does.
    """

    def __init__(self, model: Any, count: int) -> None:
        body = getattr(model, "model", None)
        if body is None or not hasattr(body, "layers") or not hasattr(body, "norm"):
            raise ModelUnavailable(
                f"{type(model).__name__} has no `model.layers` and `model.norm` to train the upper part of"
            )
        self.model, self._body = model, body
        self._layers, self._norm = body.layers, body.norm
        self._below = max(0, len(self._layers) - count)

    def parameters(self) -> list[Any]:
        """What is trained: the upper layers and the norm behind them; everything else is frozen."""
        self.model.requires_grad_(False)
        trained = [*self._layers[self._below :].parameters(), *self._norm.parameters()]
        for parameter in trained:
            parameter.requires_grad_(True)
        return trained

    def lower_states(self, examples: Sequence[Example]) -> list[Any]:
        """What the frozen layers give for each example."""
        import torch

        states: list[Any] = [None] * len(examples)
        with torch.no_grad(), self._only(0, self._below, torch.nn.Identity()):
            for batch in in_batches([example.length() for example in examples], _BATCH):
                rows = [torch.tensor(examples[at].prompt + examples[at].answer) for at in batch]
                tokens, mask = pad(rows, self.model.device)
                hidden = self._body(input_ids=tokens, attention_mask=mask, use_cache=False).last_hidden_state
                for row, at in zip(hidden, batch, strict=True):
                    states[at] = row[: examples[at].length()].clone()
        return states

    @contextmanager
    def on_top(self) -> Generator[None]:
        """Within, the model is its upper layers: give it lower states as `inputs_embeds`."""
        with self._only(self._below, len(self._layers), self._norm):
            yield

    def check(self, example: Example, states: Any) -> None:
        """Raises `ModelUnavailable` unless the parts give the logits of the whole."""
        import torch

        tokens = torch.tensor([example.prompt + example.answer], device=self.model.device)
        with torch.no_grad():
            whole = self.model(input_ids=tokens, use_cache=False, logits_to_keep=1).logits
            with self.on_top():
                parts = self.model(inputs_embeds=states[None], use_cache=False, logits_to_keep=1).logits
        off = (whole - parts).abs().max().item()
        if not off < _TOLERANCE:
            raise ModelUnavailable(f"{type(self.model).__name__}: its layers do not split (logits differ by {off:.3g})")

    @contextmanager
    def _only(self, start: int, end: int, norm: Any) -> Generator[None]:
        self._body.layers, self._body.norm = self._layers[start:end], norm
        try:
            yield
        finally:
            self._body.layers, self._body.norm = self._layers, self._norm


def pad(rows: Sequence[Any], device: Any) -> tuple[Any, Any]:
    """Rows of unequal length as one tensor, padded on the right, and the mask that tells tokens from padding."""
    import torch

    padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True).to(device)
    mask = torch.zeros(padded.shape[:2], dtype=torch.long)
    for number, row in enumerate(rows):
        mask[number, : len(row)] = 1
    return padded, mask.to(device)
