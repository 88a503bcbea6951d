"""A student that is there already: nothing is trained, so that the gate can judge any model against the teacher."""

import importlib.util
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_jsonable_python

from tasks.errors import ExtraMissing
from tasks.evidence import Training
from tasks.files import File
from tasks.models import AnyModel, Local, Recorded
from tasks.rows import Kept
from tasks.trainers.card import Origin
from tasks.trainers.local import Lesson

ANSWERS = "answers.jsonl"


class ExistingTrainer(BaseModel):
    """Trains nothing: a hosted fine-tune, any compatible service, recorded answers or local weights are the student."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trainer: Literal["existing"]
    model: AnyModel = Field(
        description="Who is judged, as a teacher is named. Weights and recorded answers are copied."
    )
    prompt: File | None = Field(default=None, description="What it is told before each conversation; nothing else.")
    base: AnyModel | None = Field(
        default=None, description="Who is compared with it as `base`, told the teacher's prompt; nobody where left out."
    )

    def base_model(self) -> AnyModel | None:
        """The base as a model that answers, where there is one."""
        return self.base

    def asked(self) -> list[AnyModel]:
        """The models that evaluation asks because of this trainer."""
        return [self.model, self.base] if self.base else [self.model]

    def check(self) -> None:
        """Raises `ExtraMissing` where what a local model needs is not installed."""
        for package in ("torch", "transformers"):
            if any(isinstance(each, Local) for each in self.asked()) and importlib.util.find_spec(package) is None:
                raise ExtraMissing(f"train: {package!r} is not installed. Run: pip install 'stillhouse[local]'")

    def told(self) -> dict[str, Any]:
        """What the student's folder says of it: the model with its address and its price, and never a key."""
        prompt = self.prompt.text() if self.prompt else ""
        if isinstance(self.model, Local):
            weights = self.model.weights
            licence = weights.licence() if weights.path else ""  # the hub may not answer, or answer otherwise
            return {"provider": "local", **Origin(weights.reference, licence, prompt)._asdict()}
        named = described(self.model)
        if isinstance(self.model, Recorded):
            named["answers"] = ANSWERS
        origin = Origin(f"{self.model.provider}/{self.model.model}", "", prompt)
        return {"model": named, **origin._asdict()}

    def learn(self, rows: Sequence[Kept], watched: Sequence[Kept], checkpoints: Path | None = None) -> Lesson:
        """The student as it is: no row is learned."""
        nothing = dict.fromkeys(("rows", "watched", "too_long", "tokens", "answer_tokens", "longest_row", "steps"), 0)
        training = Training(**nothing, trained_parameters=0, seconds=0, example="", curve=[], method="existing")
        return Lesson(training, self._save)

    def _save(self, folder: Path) -> None:
        if isinstance(self.model, Local):
            for file in _weights(self.model).iterdir():
                if file.is_file() and file.name != "manifest.json":  # the store writes its own
                    shutil.copyfile(file, folder / file.name)
        if isinstance(self.model, Recorded):
            shutil.copyfile(self.model.answers.unchanged(), folder / ANSWERS)
        (folder / "student.json").write_text(json.dumps(self.told(), ensure_ascii=False), encoding="utf-8")


def described(model: AnyModel) -> dict[str, Any]:
    """A model as a student's folder names it: as it was named, but for how fast it is asked."""
    return to_jsonable_python({name: getattr(model, name) for name in sorted(model.model_fields_set - {"pace"})})


def _weights(model: Local) -> Path:
    """A folder with the weights; those on the hub are fetched."""
    found = model.weights.folder()
    if isinstance(found, Path):
        return found
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(found, revision=model.weights.revision()))
