from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import ModelUnavailable
from tasks.trainers.rendering import Example
from tasks.trainers.upper import _TOKENS_AT_ONCE, Learnable, UpperLayers
from tests.tasks.trainers.lessons import APART, EXAMPLES, example


def whole_states(model: Any, example: Example) -> Any:
    import torch

    with torch.no_grad():
        return model.model(input_ids=torch.tensor([example.tokens]), use_cache=False)[0][0]


@pytest.mark.parametrize("count", [None, 1, 2, 5])
@pytest.mark.parametrize(("examples", "shared"), [(EXAMPLES, 2), (EXAMPLES[:1], 3), (APART, 0)])
@pytest.mark.parametrize("packs", [True, False])
def test_the_two_parts_compute_what_the_whole_does(
    model: Any, count: int | None, examples: Sequence[Example], shared: int, packs: bool
) -> None:
    import torch

    upper = UpperLayers(model, count, examples)
    assert upper.shared == shared
    batch = upper.learnable(examples)
    upper.packs = packs
    upper.check(batch)
    assert upper.packs == packs
    with torch.no_grad():
        top = upper.top_states(batch)
    whole = torch.cat([whole_states(model, each)[shared:] for each in examples])
    assert torch.allclose(whole, top, atol=1e-5)


def test_states_that_do_not_fit_into_memory_are_computed_when_they_are_needed(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    examples = sorted(EXAMPLES, key=lambda each: -len(each.tokens))  # packed in one order, they are equal to the bit
    upper = UpperLayers(model, 1, examples)
    kept = upper.learnable(examples)
    assert [tuple(each.states.shape) for each in kept] == [(len(each.tokens) - 2, 64) for each in examples]
    monkeypatch.setattr("tasks.trainers.upper._KEPT_BYTES", 1)
    with torch.no_grad():
        assert torch.equal(upper.top_states(upper.learnable(examples)), upper.top_states(kept))


def test_rows_are_padded_where_packed_ones_would_see_each_other(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.config, "_attn_implementation", "eager")  # it adds the mask instead of heeding it
    upper = UpperLayers(model, 1, EXAMPLES)
    upper.check([Learnable(each) for each in EXAMPLES])
    assert not upper.packs


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(3, 700), min_size=1, max_size=30))
def test_a_part_holds_so_many_tokens_or_one_row(model: Any, lengths: list[int]) -> None:
    upper = UpperLayers(model, 1, EXAMPLES)
    given = list(upper.in_parts([example([0] * length, [1]) for length in lengths]))
    assert sorted(at for part in given for at in part) == list(range(len(lengths)))
    own = [length + 1 - upper.shared for length in lengths]
    assert all(len(part) == 1 or sum(own[at] for at in part) <= _TOKENS_AT_ONCE["cpu"] for part in given)


def test_states_that_are_not_the_lower_layers_are_refused(model: Any) -> None:
    upper = UpperLayers(model, 1, EXAMPLES)
    one = upper.learnable(EXAMPLES)[0]
    for wrong in (one.states + 1.0, one.states * float("nan"), one.states.flip(0)):
        with pytest.raises(ModelUnavailable, match="does not split into layers"):
            upper.check([one._replace(states=wrong)])


def test_the_model_is_whole_again_afterwards(model: Any) -> None:
    import torch

    before = whole_states(model, EXAMPLES[0])
    upper = UpperLayers(model, 1, EXAMPLES)
    batch = upper.learnable(EXAMPLES)
    upper.top_states(batch)
    with pytest.raises(RuntimeError):
        upper.top_states([each._replace(states=each.states[:, 1:]) for each in batch])
    assert [layer.self_attn.layer_idx for layer in model.model.layers] == [0, 1]
    assert torch.equal(whole_states(model, EXAMPLES[0]), before)


def test_a_model_whose_layers_lie_elsewhere_is_refused() -> None:
    import torch

    with pytest.raises(ModelUnavailable, match=r"Linear has no `model\.layers`"):
        UpperLayers(torch.nn.Linear(2, 2), 1, EXAMPLES)
