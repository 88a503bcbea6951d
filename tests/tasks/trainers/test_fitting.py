import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.trainers.fitting import Learnable, _loss, _rate, _shuffled
from tasks.trainers.rendering import Example
from tasks.trainers.upper import UpperLayers
from tests.tasks.trainers.lessons import EXAMPLES


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 5), st.integers(0, 3))
def test_every_row_is_in_one_batch_of_an_epoch(lengths: list[int], size: int, seed: int) -> None:
    rows = [Learnable(Example([0] * length, [number]), None) for number, length in enumerate(lengths)]
    batches = list(_shuffled(rows, size, random.Random(seed)))
    assert sorted(row.example.answer[0] for batch in batches for row in batch) == list(range(len(rows)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert batches == list(_shuffled(rows, size, random.Random(seed)))


@given(st.integers(1, 500))
def test_the_rate_warms_up_to_its_highest_and_falls_to_nothing(steps: int) -> None:
    rates = [_rate(step, steps) for step in range(steps)]
    assert max(rates) == 1.0
    assert all(0 < rate <= 1 for rate in rates)
    assert _rate(steps, steps) == pytest.approx(0.0) or steps == 1
    peak = rates.index(1.0)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_the_loss_is_on_the_answers_tokens_alone(model: Any) -> None:
    import torch

    upper = UpperLayers(model, 1)
    batch = [Learnable(*each) for each in zip(EXAMPLES, upper.lower_states(EXAMPLES), strict=True)]
    wanted = []
    for example in EXAMPLES:
        tokens = torch.tensor([example.prompt + example.answer])
        labels = torch.tensor([[-100] * len(example.prompt) + example.answer])
        with torch.no_grad():
            wanted.append(model(input_ids=tokens, labels=labels).loss.item() * len(example.answer))
    with upper.on_top(), torch.no_grad():
        loss = _loss(model, batch).item()
    assert loss == pytest.approx(sum(wanted) / sum(len(example.answer) for example in EXAMPLES), rel=1e-5)
