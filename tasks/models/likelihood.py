"""How likely a local model finds a text: the mean loss a token, in nats, by one forward pass and no generation."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from tasks.models.chat import prompt_tokens
from tasks.models.generation import SharedPrefix
from tasks.models.local import Local
from tasks.models.request import in_batches
from tasks.models.served import reading_device
from tasks.models.weights import load
from tasks.rows import Message

_BATCH = 8


class _Read(NamedTuple):
    """Tokens, and how many at their beginning are only read."""

    tokens: list[int]
    read: int


def text_losses(model: Local, texts: Sequence[str]) -> list[float]:
    """The mean loss a token of each text, as it stands alone."""
    loaded, tokenizer = load(model.weights, reading_device())
    begin = next((each for each in (tokenizer.bos_token_id, tokenizer.eos_token_id) if each is not None), 0)
    rows = [_Read([begin, *tokenizer(text, add_special_tokens=False)["input_ids"]], 1) for text in texts]
    return _losses(loaded, rows)


def answer_losses(model: Local, asked: Sequence[tuple[Sequence[Message], str]]) -> list[float]:
    """The mean loss a token of each answer, after its conversation; 0 for an empty one."""
    loaded, tokenizer = load(model.weights, reading_device())
    rows: list[_Read] = []
    for messages, answer in asked:
        before = prompt_tokens(tokenizer, messages)
        rows.append(_Read([*before, *tokenizer(answer, add_special_tokens=False)["input_ids"]], len(before)))
    return _losses(loaded, rows)


def _losses(model: Any, rows: Sequence[_Read]) -> list[float]:
    losses = [0.0] * len(rows)
    with SharedPrefix(model, [row.tokens[: row.read] for row in rows]) as shared:
        for batch in in_batches([len(row.tokens) for row in rows], _BATCH):
            for at, loss in zip(batch, _of_batch(shared, [rows[at] for at in batch]), strict=True):
                losses[at] = loss
    return losses


def _of_batch(shared: SharedPrefix, rows: Sequence[_Read]) -> list[float]:
    """The losses of a batch. Rows are padded on the left, so that what is scored stands at the end of all."""
    import torch

    scored = max(len(row.tokens) - row.read for row in rows)
    with torch.inference_mode():
        tokens, mask = shared.padded([row.tokens for row in rows])
        logits = shared.logits(tokens, mask, keep=scored + 1)[:, :-1]
        wanted = tokens[:, tokens.shape[1] - scored :]
        every = torch.nn.functional.cross_entropy(logits.flatten(0, 1).float(), wanted.flatten(), reduction="none")
    return [
        float(own[scored - (len(row.tokens) - row.read) :].mean()) if len(row.tokens) > row.read else 0.0
        for own, row in zip(every.view(len(rows), -1), rows, strict=True)
    ]
