"""What passes between stages: handles, which stand for artefacts, and results, which carry handles and a tally.

What a handle stands for lies in the store, under the fingerprint of what it holds.
"""

import hashlib
import json
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Handle(BaseModel):
    """What stands for an artefact between stages: small, frozen, and equal where the content is equal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: ClassVar[str]
    fingerprint: str = Field(pattern="^[0-9a-zA-Z]+$")  # it names a folder, and nothing that leads out of one


AnyHandle = TypeVar("AnyHandle", bound=Handle)


class Dataset(Handle):
    """Rows in Parquet shards; the fingerprint is taken over canonical rows, not over the bytes of a file."""

    folder = "datasets"
    kind: Literal["dataset"] = "dataset"
    rows: int


class Student(Handle):
    """A trained model: a folder that any tool loads, with `student.json` to say how it is asked."""

    folder = "students"
    kind: Literal["student"] = "student"


class Base(Handle):
    """A model that training starts from, converted once into safetensors."""

    folder = "bases"
    kind: Literal["base"] = "base"


HANDLES: dict[str, type[Handle]] = {"dataset": Dataset, "student": Student, "base": Base}


class Tally(BaseModel):
    """Rows in, and rows out by outcome; the two must agree, or a row was lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows_in: int
    outcomes: dict[str, int]

    def words(self) -> str:
        """The tally as a person reads it."""
        outcomes = ", ".join(f"{count} {name}" for name, count in self.outcomes.items() if count)
        return f"{self.rows_in} rows in: {outcomes}"

    @model_validator(mode="after")
    def _conserved(self) -> "Tally":
        out = sum(self.outcomes.values())
        if out != self.rows_in:
            raise ValueError(f"{self.rows_in} rows in but {out} out ({self.outcomes}): a row was lost or counted twice")
        return self


class Result(BaseModel):
    """What every stage returns beside its handles: its tally, and the seconds that the work took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tally: Tally
    seconds: float

    def words(self) -> str:
        """What the stage did, as a person reads it."""
        return self.tally.words()


class Made(BaseModel):
    """What made an artefact: the stage, its version and config, and the fingerprints that it was made from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    version: str
    config: dict[str, Any]
    parents: dict[str, str]


def canonical(value: object) -> str:
    """A JSON value as text that is the same wherever and whenever it is written."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of a JSON value, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
