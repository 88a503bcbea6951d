import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.trainers.fitting import Learnable, _loss, _rate, _shuffled
from tasks.trainers.rendering import Example
from tasks.trainers.upper import UpperLayers
from tests.tasks.trainers.lessons import APART, EXAMPLES, example


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 5), st.integers(0, 3))
def test_every_row_is_in_one_batch_of_an_epoch(lengths: list[int], size: int, seed: int) -> None:
    rows = [Learnable(example([0] * length, [number]), None) for number, length in enumerate(lengths)]
    batches = list(_shuffled(rows, size, random.Random(seed)))
    assert sorted(row.example.answer[0] for batch in batches for row in batch) == list(range(len(rows)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert batches == list(_shuffled(rows, size, random.Random(seed)))


@given(st.integers(1, 500))
def test_the_rate_warms_up_to_its_highest_and_falls_to_nothing(steps: int) -> None:
    rates = [_rate(step, steps) for step in range(steps)]
    assert max(rates) == 1.0
    assert all(0 < rate <= 1 for rate in rates)
    assert _rate(steps, steps) == pytest.approx(0.0)
    peak = rates.index(1.0)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def learnables(upper: UpperLayers, examples: Sequence[Example]) -> list[Learnable]:
    states = upper.lower_states(examples)
    return [Learnable(each, state) for each, state in zip(examples, states, strict=True)]


def plain_loss(model: Any, examples: Sequence[Example]) -> Any:
    """The weighted mean over the answers' tokens by transformers alone, a row at a time."""
    import torch

    losses, weights = [], [weight for each in examples for weight in each.weights]
    for each in examples:
        logits = model(input_ids=torch.tensor([each.prompt + each.answer]), use_cache=False).logits[0]
        own = logits[len(each.prompt) - 1 : -1].log_softmax(-1)
        losses += [-own[at, token] for at, token in enumerate(each.answer)]
    return sum(loss * weight for loss, weight in zip(losses, weights, strict=True)) / sum(weights)


WEIGHED = [each._replace(weights=[2.0, *each.weights[1:]]) for each in EXAMPLES]


@pytest.mark.parametrize("examples", [EXAMPLES, WEIGHED, APART])
@pytest.mark.parametrize("count", [1, 2])
def test_loss_and_gradients_are_those_of_the_whole_model(model: Any, examples: list[Example], count: int) -> None:
    import torch

    upper = UpperLayers(model, count, examples)
    parameters = upper.parameters()
    wanted = torch.autograd.grad(plain_loss(model, examples), parameters)
    batch = learnables(upper, examples)
    with upper.on_top():
        loss = _loss(upper, batch)
        given = torch.autograd.grad(loss, parameters)
    assert loss.item() == pytest.approx(plain_loss(model, examples).item(), rel=1e-5)
    assert all(torch.allclose(own, other, atol=1e-5) for own, other in zip(given, wanted, strict=True))


def test_what_stands_behind_the_learned_tokens_is_not_in_the_loss(model: Any) -> None:
    short = [each._replace(answer=each.answer[:1], weights=each.weights[:1]) for each in EXAMPLES]
    upper = UpperLayers(model, 1, EXAMPLES)
    cut = [each._replace(example=own) for each, own in zip(learnables(upper, EXAMPLES), short, strict=True)]
    with upper.on_top():
        loss = _loss(upper, cut).item()
    assert loss == pytest.approx(plain_loss(model, short).item(), rel=1e-5)
