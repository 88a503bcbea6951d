"""How a data set becomes a student: one file a trainer, config and trainer in one. No Prefect in here.

A trainer has `learn(rows, watched)`, which gives a `Lesson`: how the training went, and the student ready to be saved.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.models import AnyModel, Local, ModelWeights
from tasks.store import Store
from tasks.trainers.local import LocalTrainer

Trainer = LocalTrainer

_READERS: dict[str, Callable[[Student, Path], AnyModel]] = {
    "local": lambda student, folder: Local(
        provider="local",
        weights=ModelWeights(
            reference=f"student {student.fingerprint[:12]}", path=folder, fingerprint=student.fingerprint
        ),
    )
}


def load_student(student: Student) -> AnyModel:
    """The student as a model that answers. Raises `StoreError` where its folder does not say how."""
    folder = Store().path(student)
    try:
        how = json.loads((folder / "student.json").read_text(encoding="utf-8"))
        return _READERS[how["provider"]](student, folder)
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"{folder} does not say how the student is asked: {error!r}. Run the project again."
        ) from error


__all__ = ["LocalTrainer", "Trainer", "load_student"]
