from typing import Any

import pytest

from tasks.errors import ModelUnavailable
from tasks.trainers.upper import UpperLayers, pad
from tests.tasks.trainers.lessons import EXAMPLES


def logits(model: Any, **inputs: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(**inputs, use_cache=False).logits


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_two_parts_compute_what_the_whole_does(model: Any, count: int) -> None:
    import torch

    upper = UpperLayers(model, count)
    for example, states in zip(EXAMPLES, upper.lower_states(EXAMPLES), strict=True):
        assert tuple(states.shape) == (example.length(), 64)
        upper.check(example, states)
        whole = logits(model, input_ids=torch.tensor([example.prompt + example.answer]))
        with upper.on_top():
            parts = logits(model, inputs_embeds=states[None])
        assert torch.allclose(whole, parts, atol=1e-5)


def test_states_that_are_not_the_lower_layers_are_refused(model: Any) -> None:
    upper = UpperLayers(model, 1)
    states = upper.lower_states(EXAMPLES)
    with pytest.raises(ModelUnavailable, match="its layers do not split"):
        upper.check(EXAMPLES[0], states[0] + 1.0)
    with pytest.raises(ModelUnavailable, match="its layers do not split"):
        upper.check(EXAMPLES[0], states[0] * float("nan"))


def test_the_model_is_whole_again_afterwards(model: Any) -> None:
    import torch

    tokens = torch.tensor([EXAMPLES[0].prompt])
    before = logits(model, input_ids=tokens)
    upper = UpperLayers(model, 1)
    upper.lower_states(EXAMPLES)
    with pytest.raises(RuntimeError, match="pulled the plug"), upper.on_top():
        raise RuntimeError("pulled the plug")
    assert len(model.model.layers) == 2
    assert torch.equal(logits(model, input_ids=tokens), before)


@pytest.mark.parametrize(("count", "layers"), [(1, {"1"}), (2, {"0", "1"}), (99, {"0", "1"})])
def test_the_upper_layers_and_the_norm_are_trained(model: Any, count: int, layers: set[str]) -> None:
    parameters = UpperLayers(model, count).parameters()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(parameters) == len(trained)
    assert {name.split(".")[2] for name in trained if ".layers." in name} == layers
    assert {name for name in trained if ".layers." not in name} == {"model.norm.weight"}


def test_a_model_whose_layers_lie_elsewhere_is_refused() -> None:
    import torch

    with pytest.raises(ModelUnavailable, match=r"Linear has no `model\.layers`"):
        UpperLayers(torch.nn.Linear(2, 2), 1)


def test_padding_is_on_the_right_and_masked() -> None:
    import torch

    padded, mask = pad([torch.tensor([1, 2, 3]), torch.tensor([4])], torch.device("cpu"))
    assert padded.tolist() == [[1, 2, 3], [4, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
