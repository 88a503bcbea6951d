import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.errors import ExtraMissing, StageFailed
from tests.tasks.trainers.lessons import row, trainer

ROWS = [row(number) for number in range(12)]


def weights(file: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(file)


def learned(base: Path, folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True)
    trainer(base, **changes).learn(ROWS, []).save(folder)
    return folder


def moved(before: Path, after: Path) -> set[str]:
    import torch

    old, new = weights(before / "model.safetensors"), weights(after / "model.safetensors")
    assert set(old) == set(new)
    return {name for name, tensor in new.items() if not torch.equal(tensor, old[name])}


@pytest.mark.parametrize(
    ("tuning", "expected"),
    [
        ({"method": "lora"}, {"q", "k", "v", "o", "gate", "up", "down"}),
        ({"method": "lora", "layers": 1}, {"q", "k", "v", "o", "gate", "up", "down"}),
        ({"method": "lora", "modules": ["q_proj", "v_proj"]}, {"q", "v"}),
    ],
)
def test_adapters_change_the_modules_of_the_layers_that_are_named(
    tiny_llama: Path, tmp_path: Path, tuning: dict[str, Any], expected: set[str]
) -> None:
    changed = moved(tiny_llama, learned(tiny_llama, tmp_path / "student", tuning=tuning))
    layers = {"1"} if "layers" in tuning else {"0", "1"}
    assert {name.split(".")[2] for name in changed} == layers
    assert {name.split(".")[4].removesuffix("_proj") for name in changed} == expected


def test_all_weights_may_learn(tiny_llama: Path, tmp_path: Path) -> None:
    student = learned(tiny_llama, tmp_path / "student", tuning={"method": "full"})
    assert moved(tiny_llama, student) == set(weights(tiny_llama / "model.safetensors"))


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft's, loading the adapter
def test_the_adapter_on_its_base_is_the_merged_student(tiny_llama: Path, tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    student = learned(tiny_llama, tmp_path / "student", tuning={"method": "lora"}, epochs=5)
    tokens = torch.tensor([[0, 20, 30, 40]])
    base: Any = AutoModelForCausalLM.from_pretrained(tiny_llama)
    merged: Any = AutoModelForCausalLM.from_pretrained(student)
    plain = base(tokens).logits
    adapted = PeftModel.from_pretrained(base, student / "adapter")(tokens).logits
    assert torch.allclose(merged(tokens).logits, adapted, atol=1e-4)
    assert not torch.allclose(plain, adapted, atol=1e-2)


def test_the_adapter_names_its_base_as_the_project_does(tiny_llama: Path, tmp_path: Path) -> None:
    student = learned(tiny_llama, tmp_path / "student", tuning={"method": "lora"})
    config = json.loads((student / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(tiny_llama)


def test_the_same_config_gives_the_same_adapter(tiny_llama: Path, tmp_path: Path) -> None:
    tuning = {"method": "lora", "dropout": 0.2}
    one, other = (learned(tiny_llama, tmp_path / name, tuning=tuning) for name in ("one", "other"))
    for file in ("model.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"):
        assert (one / file).read_bytes() == (other / file).read_bytes()


def test_rates_by_default_are_ten_times_higher_for_adapters(tiny_llama: Path) -> None:
    rates = {
        method: trainer(tiny_llama, tuning={"method": method}, learning_rate=None)
        .learn(ROWS, [])
        .training.learning_rate
        for method in ("lora", "full")
    }
    assert rates["lora"] == pytest.approx(10 * rates["full"])


@pytest.mark.parametrize(
    "tuning", [{"method": "lora", "rank": 0}, {"method": "full", "layers": 0}, {"method": "full", "rank": 4}, {}]
)
def test_what_makes_no_sense_is_refused(tiny_llama: Path, tuning: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        trainer(tiny_llama, tuning=tuning)


def test_a_module_that_is_not_there_is_named(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed, match=r"tuning\.modules: \['c_attn'\] are not all linear modules.*down_proj"):
        trainer(tiny_llama, tuning={"method": "lora", "modules": ["c_attn"]}).learn(ROWS, [])


def test_four_bits_need_their_package(tiny_llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "bitsandbytes" else object())
    with pytest.raises(ExtraMissing, match=r"'bitsandbytes' is not installed.*stillhouse\[qlora\]"):
        trainer(tiny_llama, tuning={"method": "qlora"}).check()
