"""Generation beside transformers' own: the same texts, tokens a second. `make bench` prints the figures."""

import csv
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from flows.project import chosen
from flows.project import load as load_project
from tasks.models.chat import prompt_tokens, prompted
from tasks.models.generation import SharedPrefix, end_tokens
from tasks.models.local import BATCH
from tasks.models.request import in_batches
from tasks.models.weights import load
from tasks.rows import Message

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT.parent / "shared" / "data" / "banking77"
ROWS, QUESTIONS, NEW_TOKENS = 32, 64, 32
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


@cache
def base() -> tuple[Any, Any]:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)  # the tests' own setting is one
    project = load_project(ROOT / "deployments" / "support.yaml")
    return load(project.train.base)


def prompts(instruction: str) -> list[list[int]]:
    project = load_project(ROOT / "deployments" / "support.yaml")
    rows = chosen(project)[:ROWS]
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


def banking77() -> list[list[int]]:
    with (DATA / "test.csv").open(encoding="utf-8") as file:
        said = [row["text"] for row in csv.DictReader(file)][:QUESTIONS]
    return [prompt_tokens(base()[1], [Message(role="user", content=text)]) for text in said]


def timed(asked: list[list[int]], way: Callable[[list[list[int]]], list[list[int]]]) -> tuple[list[list[int]], float]:
    started = time.monotonic()
    completions = way(asked)
    return completions, time.monotonic() - started


def ours(asked: list[list[int]]) -> list[list[int]]:
    model, tokenizer = base()
    completions: dict[int, list[int]] = {}
    with SharedPrefix(model, asked) as shared:
        for batch in in_batches([len(prompt) for prompt in asked], BATCH):
            own = shared.complete([asked[at] for at in batch], NEW_TOKENS, end_tokens(model, tokenizer))
            completions |= dict(zip(batch, own, strict=True))
    return [completions[at] for at in range(len(asked))]


def show(name: str, asked: list[list[int]]) -> None:
    """Each way as often as asked for, in turns; the texts must be the same."""
    ways: dict[str, Callable[[list[list[int]]], list[list[int]]]] = {
        "transformers.generate, batches of 8": lambda asked: transformers_generate(asked, 8),
        "transformers.generate, batches of 32 by length": lambda asked: transformers_generate(asked, 32),
        "stillhouse": ours,
    }
    ours(asked[:4])  # first touches of memory are slow
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    texts: dict[str, list[list[int]]] = {}
    for _ in range(ROUNDS):
        for way, answer in ways.items():
            texts[way], took = timed(asked, answer)
            seconds[way].append(took)
    tokens = sum(map(len, texts["stillhouse"]))
    slowest = median(seconds["transformers.generate, batches of 8"])
    print(f"\n{name}: {len(asked)} prompts of {sum(map(len, asked)) / len(asked):.0f} tokens, {tokens} new tokens")
    for way, took in seconds.items():
        same = sum(one == other for one, other in zip(texts[way], texts["stillhouse"], strict=True))
        print(f"{way:<48} {tokens / median(took):6.0f} tokens/s  {slowest / median(took):5.2f} times  {same} the same")
    assert all(own == texts["stillhouse"] for own in texts.values())


@pytest.mark.parametrize("instruction", ["", (ROOT / "data/support/prompt.md").read_text()], ids=["student", "base"])
def test_ours_gives_the_same_texts_on_the_example(instruction: str) -> None:
    show("the example, with the prompt" if instruction else "the example", prompts(instruction))


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")
def test_ours_gives_the_same_texts_on_banking77() -> None:
    show("banking77", banking77())
