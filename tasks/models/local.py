"""A model that this machine runs, through transformers."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ModelUnavailable
from tasks.models.chat import prompt_tokens, shared_prefix
from tasks.models.generation import SharedPrefix, end_tokens
from tasks.models.request import Answer, Answered, Request, in_batches
from tasks.models.weights import Weights, load

BATCH = 64
_LONG_TOKENS, _BATCH_OF_LONG = 256, 16  # what a batch remembers of its tokens takes memory
_DECODING = "greedy, version 1"


class Local(BaseModel):
    """A causal chat model, answering greedily in batches of similar length."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Literal["local"]
    weights: Weights = Field(description="owner/name[@revision] on the hub, a folder, or package:NAME/FILE.gguf.")

    def identity(self) -> dict[str, Any]:
        """The weights' content, and how answers are read off them."""
        return {"provider": "local", "weights": self.weights.fingerprint, "decoding": _DECODING}

    def answer(self, requests: Sequence[Request], device: str | None = None) -> Iterable[list[Answered]]:
        """A batch's answers at a time. A conversation too long for the model is an answer with an error."""
        if not requests:
            return
        if any(request.temperature for request in requests):
            raise ModelUnavailable("local models answer greedily: set the temperature to 0")
        model, tokenizer = load(self.weights, device)
        prompts = [prompt_tokens(tokenizer, request.messages) for request in requests]
        with SharedPrefix(model, prompts) as shared:
            for batch in _batches(prompts):
                yield _answer(model, tokenizer, shared, requests, prompts, batch)


def _batches(prompts: Sequence[list[int]]) -> Iterator[list[int]]:
    """Positions in batches of similar length, smaller ones where much is not shared by all."""
    shared = shared_prefix(prompts)
    for batch in in_batches([len(prompt) for prompt in prompts], BATCH):
        size = BATCH if len(prompts[batch[0]]) - shared <= _LONG_TOKENS else _BATCH_OF_LONG
        yield from (batch[start : start + size] for start in range(0, len(batch), size))


def _answer(
    model: Any,
    tokenizer: Any,
    shared: SharedPrefix,
    requests: Sequence[Request],
    prompts: Sequence[list[int]],
    batch: list[int],
) -> list[Answered]:
    started = time.monotonic()
    limit = model.config.max_position_embeddings
    fitting = [at for at in batch if len(prompts[at]) + requests[at].max_output_tokens <= limit]
    longest = max((requests[at].max_output_tokens for at in fitting), default=0)
    completions = shared.complete([prompts[at] for at in fitting], longest, end_tokens(model, tokenizer))
    seconds = (time.monotonic() - started) / len(batch)
    answered = [
        Answered(position, _read(tokenizer, requests[position], prompts[position], tokens, seconds))
        for position, tokens in zip(fitting, completions, strict=True)
    ]
    return answered + [
        Answered(at, Answer(error=f"context too long: {len(prompts[at])} tokens and the answer, {limit} fit"))
        for at in batch
        if at not in fitting
    ]


def _read(tokenizer: Any, request: Request, prompt: list[int], tokens: list[int], seconds: float) -> Answer:
    kept = tokens[: request.max_output_tokens]
    return Answer(
        text=tokenizer.decode(kept, skip_special_tokens=True).strip(),
        finish_reason="stop" if len(tokens) < request.max_output_tokens else "length",
        model=tokenizer.name_or_path,
        input_tokens=len(prompt),
        output_tokens=len(kept),
        seconds=seconds,
    )
