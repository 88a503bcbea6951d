from collections.abc import Sequence
from typing import Any

import pytest

from tasks.errors import ModelUnavailable
from tasks.trainers.rendering import Example
from tasks.trainers.upper import UpperLayers
from tests.tasks.trainers.lessons import APART, EXAMPLES


def whole_states(model: Any, example: Example) -> Any:
    import torch

    with torch.no_grad():
        return model.model(input_ids=torch.tensor([example.prompt + example.answer]), use_cache=False)[0][0]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize(("examples", "shared"), [(EXAMPLES, 2), (EXAMPLES[:1], 3), (APART, 0)])
def test_the_two_parts_compute_what_the_whole_does(
    model: Any, count: int, examples: Sequence[Example], shared: int
) -> None:
    import torch

    upper = UpperLayers(model, count, examples)
    assert upper.shared == shared
    states = upper.lower_states(examples)
    with torch.no_grad(), upper.on_top():
        top = upper.top_states(states)
    for example, own, parts in zip(examples, states, top, strict=True):
        assert tuple(own.shape) == (example.length() - shared, 64)
        upper.check(example, own)
        whole = whole_states(model, example)[shared:]
        assert torch.allclose(whole, parts[: len(whole)], atol=1e-5)


def test_states_that_are_not_the_lower_layers_are_refused(model: Any) -> None:
    upper = UpperLayers(model, 1, EXAMPLES)
    states = upper.lower_states(EXAMPLES)
    for wrong in (states[0] + 1.0, states[0] * float("nan"), states[0].flip(0)):
        with pytest.raises(ModelUnavailable, match="its layers do not split"):
            upper.check(EXAMPLES[0], wrong)


def test_the_model_is_whole_again_afterwards(model: Any) -> None:
    import torch

    before = whole_states(model, EXAMPLES[0])
    upper = UpperLayers(model, 1, EXAMPLES)
    upper.lower_states(EXAMPLES)
    with pytest.raises(RuntimeError, match="pulled the plug"), upper.on_top():
        raise RuntimeError("pulled the plug")
    assert [layer.self_attn.layer_idx for layer in model.model.layers] == [0, 1]
    assert torch.equal(whole_states(model, EXAMPLES[0]), before)


@pytest.mark.parametrize(("count", "layers"), [(1, {"1"}), (2, {"0", "1"}), (99, {"0", "1"})])
def test_the_upper_layers_and_the_norm_are_trained(model: Any, count: int, layers: set[str]) -> None:
    parameters = UpperLayers(model, count, EXAMPLES).parameters()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(parameters) == len(trained)
    assert {name.split(".")[2] for name in trained if ".layers." in name} == layers
    assert {name for name in trained if ".layers." not in name} == {"model.norm.weight"}


def test_a_model_whose_layers_lie_elsewhere_is_refused() -> None:
    import torch

    with pytest.raises(ModelUnavailable, match=r"Linear has no `model\.layers`"):
        UpperLayers(torch.nn.Linear(2, 2), 1, EXAMPLES)
