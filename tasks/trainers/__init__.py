"""How a data set becomes a student: one file a trainer, config and trainer in one. No Prefect in here.

A trainer has `learn(rows, watched, checkpoints)`, which gives a `Lesson`: how the training went, and
the student ready to be saved. Of a trainer at a service, `order` has one.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, model_validator

from tasks.artifacts import Student
from tasks.errors import StoreError
from tasks.models import AnyModel, Local, ModelWeights
from tasks.store import Store
from tasks.trainers.card import Origin, Teacher, card
from tasks.trainers.existing import ExistingTrainer
from tasks.trainers.hosted import (
    FireworksTrainer,
    HostedTrainer,
    OpenAITrainer,
    TogetherTrainer,
    ended,
    estimated,
    order,
    refreshed,
)
from tasks.trainers.local import LocalTrainer

Trainer = Annotated[
    ExistingTrainer | LocalTrainer | OpenAITrainer | TogetherTrainer | FireworksTrainer, Field(discriminator="trainer")
]


class Serving(NamedTuple):
    """A student as it is asked: the model that answers, and what it is told before each conversation."""

    model: AnyModel
    prompt: str


class _Told(BaseModel):
    """What a student's folder says of it, in `student.json`: a `model` where it is not the folder's own weights."""

    provider: Literal["local"] | None = None
    model: AnyModel | None = None
    prompt: str = ""
    base: str = "unknown"
    licence: str = ""

    @model_validator(mode="after")
    def _says_one(self) -> "_Told":
        if (self.provider is None) == (self.model is None):
            raise ValueError("give provider: local, or a model")
        return self


def load_student(student: Student) -> Serving:
    """The student as it is asked. Raises `StoreError` where its folder does not say how."""
    told = _told(student)
    if told.model:
        return Serving(told.model, told.prompt)
    weights = ModelWeights(
        reference=f"student {student.fingerprint[:12]}", path=Store().folder(student), fingerprint=student.fingerprint
    )
    return Serving(Local(provider="local", weights=weights), told.prompt)


def load_origin(student: Student) -> Origin:
    """Where the student comes from. Raises `StoreError` where its folder does not say."""
    told = _told(student)
    return Origin(told.base, told.licence, told.prompt)


def _told(student: Student) -> _Told:
    folder = Store().folder(student)
    try:
        return _Told.model_validate_json((folder / "student.json").read_bytes(), context={"folder": folder})
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{folder} does not say how the student is asked: {error!r}. Run the project again; "
            "where it is the champion, restore the folder from a copy, or `stillhouse rollback` to one that is whole."
        ) from error


__all__ = [
    "ExistingTrainer",
    "FireworksTrainer",
    "HostedTrainer",
    "LocalTrainer",
    "OpenAITrainer",
    "Origin",
    "Serving",
    "Teacher",
    "TogetherTrainer",
    "Trainer",
    "card",
    "ended",
    "estimated",
    "load_origin",
    "load_student",
    "order",
    "refreshed",
]
