"""What of a model learns: low-rank adapters, all of it, or its last layers. The adapters are peft's."""

import contextlib
import importlib.util
import json
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ExtraMissing, StageFailed
from tasks.models import Weights
from tasks.models.weights import load
from tasks.trainers.upper import body_of

Layers = Annotated[
    int | None, Field(ge=1, description="How many of the last layers learn, all where left out: fewer take less time.")
]


class Lora(BaseModel):
    """Low-rank adapters beside frozen weights (Hu et al., 2021), merged into them at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["lora"]
    rank: int = Field(default=16, ge=1, description="The adapters' rank.")
    alpha: float = Field(default=32, gt=0, description="The adapters are scaled by alpha / rank.")
    dropout: float = Field(default=0, ge=0, lt=1, description="The share of the adapters' inputs that is dropped.")
    modules: Literal["all-linear"] | Annotated[list[str], Field(min_length=1)] = Field(
        default="all-linear", description="Which linear modules get an adapter, by name, as [q_proj, v_proj]."
    )
    layers: Layers = None

    def check(self) -> None:
        """Raises `ExtraMissing` where a package is not installed."""
        _require("peft")

    def load(self, base: Weights) -> tuple[Any, Any]:
        """Model and tokenizer, as they are trained."""
        return load(base)

    def begin(self, model: Any) -> Any:
        """Puts fresh adapters into the model, in place, and returns what saves and merges them."""
        import torch
        from peft import LoraConfig, get_peft_model

        layers = body_of(model).layers
        there = {name.rpartition(".")[2] for name, each in layers.named_modules() if isinstance(each, torch.nn.Linear)}
        modules = sorted(there if self.modules == "all-linear" else self.modules)
        if not set(modules) <= there:
            raise StageFailed(f"train.tuning.modules: {modules} are not all linear modules of a layer: {sorted(there)}")
        first = max(0, len(layers) - self.layers) if self.layers else 0
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]
            lora_dropout=self.dropout,
            target_modules=modules,
            layers_to_transform=list(range(first, len(layers))),
            task_type="CAUSAL_LM",
        )
        with _peft_of_before():
            return get_peft_model(model, config)

    def save(self, tuned: Any, base: Weights, folder: Path) -> None:
        """Writes the merged model into the folder, and the adapters into `adapter/` in it."""
        adapter = folder / "adapter"
        name, _, revision = base.reference.partition("@") if base.path is None else (base.reference, "", "")
        tuned.peft_config["default"].base_model_name_or_path = name
        tuned.peft_config["default"].revision = revision or None
        tuned.save_pretrained(adapter, save_embedding_layers=False)
        (adapter / "README.md").unlink(missing_ok=True)  # it names a path of this machine
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        config["target_modules"] = sorted(config["target_modules"])  # a set, in another order in each process
        (adapter / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True), encoding="utf-8")
        _write(self._merged(tuned, base, adapter), folder)

    def _merged(self, tuned: Any, base: Weights, adapter: Path) -> Any:
        return tuned.merge_and_unload()

    def default_rate(self, width: int) -> float:
        """The learning rate for a model of this hidden size: tinker-cookbook's formula for Llama-like models (2025)."""
        return 5e-4 * (2000 / width) ** 0.781


class QLora(Lora):
    """Adapters beside weights in 4 bits (Dettmers et al., 2023); merged into the base's own weights at the end."""

    method: Literal["qlora"]  # type: ignore[assignment]

    def check(self) -> None:
        """Raises `ExtraMissing` where a package is not installed."""
        super().check()
        _require("bitsandbytes", "qlora")

    def load(self, base: Weights) -> tuple[Any, Any]:
        """Model and tokenizer, the model's linear layers in 4 bits."""
        import torch
        from peft import prepare_model_for_kbit_training
        from transformers import BitsAndBytesConfig

        gpu = torch.cuda.is_available()
        four_bits = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16 if gpu else torch.float32,
        )
        model, tokenizer = load(base, quantization_config=four_bits)
        return prepare_model_for_kbit_training(model, use_gradient_checkpointing=False), tokenizer

    def _merged(self, tuned: Any, base: Weights, adapter: Path) -> Any:
        from peft import PeftModel

        with _peft_of_before():
            adapted: Any = PeftModel.from_pretrained(load(base, device="cpu")[0], adapter)
        return adapted.merge_and_unload()


class Full(BaseModel):
    """All weights learn; with `layers`, those of the last ones and of the norm behind them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["full"]
    layers: Layers = None

    def check(self) -> None:
        """Nothing beyond torch and transformers is needed."""

    def load(self, base: Weights) -> tuple[Any, Any]:
        """Model and tokenizer, as they are trained."""
        return load(base)

    def begin(self, model: Any) -> Any:
        """Marks what learns, in place."""
        model.requires_grad_(self.layers is None)
        if self.layers is not None:
            body = body_of(model)
            for module in (*body.layers[-self.layers :], body.norm):
                module.requires_grad_(True)
        return model

    def save(self, tuned: Any, base: Weights, folder: Path) -> None:
        """Writes the model into the folder."""
        _write(tuned, folder)

    def default_rate(self, width: int) -> float:
        """A tenth of what adapters take (Schulman et al., "LoRA Without Regret", 2025)."""
        return 5e-5 * (2000 / width) ** 0.781


Tuning = Annotated[Lora | QLora | Full, Field(discriminator="method")]


def _require(package: str, extra: str = "local") -> None:
    if importlib.util.find_spec(package) is None:
        raise ExtraMissing(f"train: {package!r} is not installed. Run: pip install 'stillhouse[{extra}]'")


@contextlib.contextmanager
def _peft_of_before() -> Generator[None]:
    """Within, peft may ask transformers by a name that is about to go."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def _write(model: Any, folder: Path) -> None:
    model.requires_grad_(True)
    model.eval().save_pretrained(folder)
