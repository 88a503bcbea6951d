"""How a data set becomes a student: one file a trainer, config and trainer in one. No Prefect in here.

A trainer has `learn(rows, watched, checkpoints)`, which gives a `Lesson`: how the training went, and
the student ready to be saved.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.models import AnyModel, Local, ModelWeights
from tasks.store import Store
from tasks.trainers.card import Origin, Teacher, card
from tasks.trainers.local import LocalTrainer

Trainer = LocalTrainer


class Serving(NamedTuple):
    """A student as it is asked: the model that answers, and what it is told before each conversation."""

    model: AnyModel
    prompt: str


def load_student(student: Student) -> Serving:
    """The student as it is asked. Raises `StoreError` where its folder does not say how."""
    how = _told(student)
    return Serving(_READERS[how["provider"]](student, Store().path(student)), how.get("prompt", ""))


def load_origin(student: Student) -> Origin:
    """Where the student comes from. Raises `StoreError` where its folder does not say."""
    how = _told(student)
    return Origin(how.get("base", "unknown"), how.get("licence", ""), how.get("prompt", ""))


def _told(student: Student) -> dict[str, Any]:
    folder = Store().path(student)
    try:
        told = json.loads((folder / "student.json").read_text(encoding="utf-8"))
        return told if told["provider"] in _READERS else {}[told["provider"]]
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"{folder} does not say how the student is asked: {error!r}. Run the project again."
        ) from error


def _local(student: Student, folder: Path) -> AnyModel:
    reference = f"student {student.fingerprint[:12]}"
    weights = ModelWeights(reference=reference, path=folder, fingerprint=student.fingerprint)
    return Local(provider="local", weights=weights)


_READERS: dict[str, Callable[[Student, Path], AnyModel]] = {"local": _local}

__all__ = ["LocalTrainer", "Origin", "Serving", "Teacher", "Trainer", "card", "load_origin", "load_student"]
