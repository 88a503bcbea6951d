from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.trainers.fitting import Recipe, _Fitting, rate, shuffled
from tasks.trainers.losses import token_losses
from tasks.trainers.rendering import Example
from tasks.trainers.trainable import copied, put, trainable
from tasks.trainers.tuning import Full
from tasks.trainers.upper import _TOKENS_AT_ONCE, Learnable, UpperLayers
from tests.tasks.trainers.lessons import APART, EXAMPLES, example


@given(st.lists(st.integers(1, 40), min_size=1, max_size=80), st.integers(1, 5), st.integers(0, 3))
def test_every_row_is_in_one_batch_of_an_epoch(lengths: list[int], size: int, seed: int) -> None:
    rows = [Learnable(example([0] * length, [number]), None) for number, length in enumerate(lengths)]
    batches = shuffled(rows, size, str(seed))
    assert sorted(row.example.tokens[-1] for batch in batches for row in batch) == list(range(len(rows)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert batches == shuffled(rows, size, str(seed))


@given(st.integers(1, 500))
def test_the_rate_warms_up_to_its_highest_and_falls_to_nothing(steps: int) -> None:
    rates = [rate(step, steps) for step in range(steps)]
    assert max(rates) == 1.0
    assert all(0 < rate <= 1 for rate in rates)
    assert rate(steps, steps) == pytest.approx(0.0)
    peak = rates.index(1.0)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def plain_loss(model: Any, examples: Sequence[Example]) -> Any:
    """The weighted mean over the answers' tokens by transformers alone, a row at a time."""
    import torch

    losses, weights = [], [weight for each in examples for weight in each.weights[1:]]
    for each in examples:
        logits = model(input_ids=torch.tensor([each.tokens]), use_cache=False).logits[0]
        own = logits[:-1].log_softmax(-1)
        losses += [-own[at, token] for at, token in enumerate(each.tokens[1:])]
    return sum(loss * weight for loss, weight in zip(losses, weights, strict=True)) / sum(weights)


def batch_loss(upper: UpperLayers, batch: Sequence[Learnable]) -> Any:
    losses, weights = token_losses(upper, batch)
    return (losses * weights).sum() / weights.sum()


WEIGHED = [each._replace(weights=[*each.weights[:-1], 2.0]) for each in EXAMPLES]
TURNS = [each._replace(weights=[*each.weights[:2], 1.0, *each.weights[3:]]) for each in EXAMPLES]
"""Examples with two learned parts."""


@pytest.mark.parametrize("examples", [EXAMPLES, WEIGHED, APART, TURNS])
@pytest.mark.parametrize("count", [None, 1, 2])
def test_loss_and_gradients_are_those_of_the_whole_model(
    model: Any, examples: list[Example], count: int | None
) -> None:
    import torch

    upper = UpperLayers(model, count, examples)
    Full(method="full", layers=count).begin(model)
    parameters = [each for each in model.parameters() if each.requires_grad]
    wanted = torch.autograd.grad(plain_loss(model, examples), parameters)
    loss = batch_loss(upper, upper.learnable(examples))
    given = torch.autograd.grad(loss, parameters)
    assert loss.item() == pytest.approx(plain_loss(model, examples).item(), rel=1e-5)
    assert all(torch.allclose(own, other, atol=1e-5) for own, other in zip(given, wanted, strict=True))


def test_what_stands_behind_the_learned_tokens_is_not_in_the_loss(model: Any) -> None:
    short = [each._replace(weights=[*each.weights[:-1], 0.0]) for each in EXAMPLES]
    upper = UpperLayers(model, 1, EXAMPLES)
    loss = batch_loss(upper, upper.learnable(short)).item()
    assert loss == pytest.approx(plain_loss(model, short).item(), rel=1e-5)


def test_a_row_that_weighs_more_moves_the_student_more(model: Any) -> None:
    heavy = [each._replace(weights=[3 * weight for weight in each.weights]) for each in EXAMPLES[:1]]
    upper = UpperLayers(model, 1, [*heavy, *EXAMPLES])
    Full(method="full", layers=1).begin(model)
    rows = upper.learnable([*heavy, *EXAMPLES])
    fitting = _Fitting(upper, Recipe(1, 0.01, 1, None, 0), rows)
    learned = rows[0].example.learned
    assert fitting.loss(rows[:1], learned).item() == pytest.approx(3 * fitting.loss(rows[1:2], learned).item())


def test_a_step_in_parts_is_the_step_of_the_whole_batch(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    Full(method="full", layers=1).begin(model)
    before = copied(trainable(UpperLayers(model, 1, WEIGHED)))
    after: list[dict[str, Any]] = []
    for tokens in (1, 10_000):
        monkeypatch.setitem(_TOKENS_AT_ONCE, "cpu", tokens)
        upper = UpperLayers(model, 1, WEIGHED)
        put(trainable(upper), before)
        rows = upper.learnable(WEIGHED)
        _Fitting(upper, Recipe(1, 0.01, len(rows), None, 0), rows).learn(rows)
        after.append(copied(trainable(upper)))
    one_by_one, at_once = after
    assert all(torch.allclose(one_by_one[name], at_once[name], atol=1e-4) for name in before)
    assert not any(torch.equal(before[name], at_once[name]) for name in before)
