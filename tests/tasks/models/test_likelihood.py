from pathlib import Path

import pytest

from tasks.models import Local
from tasks.models.likelihood import answer_losses, text_losses
from tasks.models.weights import load
from tasks.rows import Message

TEXTS = ["A river starts as a small stream.", "Bread.", "Snow is not white in itself. " * 5, "– ☂", "x"] * 3


@pytest.fixture
def local(tiny_llama: Path) -> Local:
    return Local.model_validate({"provider": "local", "weights": str(tiny_llama)})


def said(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def by_transformers(local: Local, tokens: list[int], read: int) -> float:
    import torch

    model, _ = load(local.weights)
    labels = torch.tensor([[-100] * read + tokens[read:]])
    with torch.inference_mode():
        return float(model(input_ids=torch.tensor([tokens]), labels=labels).loss)


def test_losses_of_texts_are_what_transformers_gives_one_by_one(local: Local) -> None:
    _, tokenizer = load(local.weights)
    rows = [[tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False)["input_ids"]] for text in TEXTS]
    assert text_losses(local, TEXTS) == pytest.approx([by_transformers(local, row, 1) for row in rows], abs=1e-4)


def test_losses_of_answers_count_the_answer_alone(local: Local) -> None:
    _, tokenizer = load(local.weights)
    asked = [(said(text), text[::-1]) for text in TEXTS]
    wanted: list[float] = []
    for messages, answer in asked:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        before = tokenizer(text, add_special_tokens=False)["input_ids"]
        wanted.append(by_transformers(local, [*before, *tokenizer(answer)["input_ids"]], len(before)))
    assert answer_losses(local, asked) == pytest.approx(wanted, abs=1e-4)


def test_an_empty_answer_loses_nothing_and_nothing_is_asked_for_none(local: Local) -> None:
    assert answer_losses(local, [(said("hi"), ""), (said("hi"), "yes")])[0] == 0.0
    assert answer_losses(local, []) == text_losses(local, []) == []
