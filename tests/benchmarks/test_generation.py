"""Generation beside transformers' own: the same texts, tokens a second. `make bench` prints the figures."""

import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flows.project import load as load_project
from tasks.models.chat import prompt_tokens
from tasks.models.generation import complete
from tasks.models.request import in_batches
from tasks.models.weights import load
from tasks.sample import read_inputs
from tasks.teach import prompted

ROOT = Path(__file__).parent.parent.parent
ROWS, NEW_TOKENS = 32, 32


@cache
def base() -> tuple[Any, Any]:
    project = load_project(ROOT / "deployments" / "support.yaml")
    return load(project.train.base)


def prompts(instruction: str) -> list[list[int]]:
    project = load_project(ROOT / "deployments" / "support.yaml")
    rows = read_inputs(project.sample)[:ROWS]
    return [prompt_tokens(base()[1], prompted(instruction, row)) for row in rows]


def transformers_generate(asked: list[list[int]], size: int) -> list[list[int]]:
    import torch

    model, tokenizer = base()
    end = tokenizer.eos_token_id
    completions: dict[int, list[int]] = {}
    for batch in in_batches([len(prompt) for prompt in asked], size):
        width = max(len(asked[at]) for at in batch)
        tokens = torch.tensor([[end] * (width - len(asked[at])) + asked[at] for at in batch])
        mask = torch.tensor([[0] * (width - len(asked[at])) + [1] * len(asked[at]) for at in batch])
        out = model.generate(
            input_ids=tokens, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=end
        )
        for row, at in zip(out[:, width:].tolist(), batch, strict=True):
            completions[at] = row[: row.index(end)] if end in row else row
    return [completions[at] for at in range(len(asked))]


@pytest.mark.parametrize("instruction", ["", (ROOT / "data/support/prompt.md").read_text()], ids=["student", "base"])
def test_ours_gives_the_same_texts_faster(instruction: str) -> None:
    asked = prompts(instruction)
    model, tokenizer = base()
    complete(model, asked[:4], 4, {tokenizer.eos_token_id})  # first touches of memory are slow
    started = time.monotonic()
    ours = complete(model, asked, NEW_TOKENS, {tokenizer.eos_token_id})
    own_seconds = time.monotonic() - started
    started = time.monotonic()
    theirs = transformers_generate(asked, 8)
    their_seconds = time.monotonic() - started
    same = sum(one == other for one, other in zip(ours, theirs, strict=True))
    tokens = sum(map(len, ours))
    print(
        f"\n{len(asked)} prompts of {sum(map(len, asked)) / len(asked):.0f} tokens, {tokens} new tokens: ours "
        f"{tokens / own_seconds:.0f} tokens/s, transformers.generate in batches of 8 {tokens / their_seconds:.0f}; "
        f"{their_seconds / own_seconds:.1f} times; {same} of {len(asked)} texts the same"
    )
    assert same == len(asked)
