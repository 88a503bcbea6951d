"""The last state of a training, kept whole: a killed one goes on from there, and ends where it would have ended."""

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.evidence import CurvePoint

SECONDS = "STILLHOUSE_CHECKPOINT_SECONDS"
_STATE, _TENSORS = "state.json", "state.safetensors"

logger = logging.getLogger("stillhouse.train")


class State(BaseModel):
    """How far a training has come: steps done, the losses since the last point of the curve, and the curve."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int = 0
    losses: list[float] = []
    curve: list[CurvePoint] = []


class Checkpoint(NamedTuple):
    """A state and its tensors by name: weights, the optimizer's moments, the best weights so far."""

    state: State
    tensors: dict[str, Any]


class Checkpoints:
    """A training's checkpoints: one at a time, each written whole. Without a folder of its own it keeps none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._seconds = float(os.environ.get(SECONDS, "60"))
        self._saved = time.monotonic()

    def due(self) -> bool:
        """Whether the last checkpoint is older than `STILLHOUSE_CHECKPOINT_SECONDS`, a minute where that is not set."""
        return self._folder is not None and time.monotonic() - self._saved >= self._seconds

    def save(self, state: State, tensors: Mapping[str, Any]) -> None:
        """Keep this state in place of the one before it."""
        from safetensors.torch import save_file

        if self._folder is None or (self._folder / _name(state)).exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="writing-", dir=self._folder))
        try:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, fresh / _TENSORS)
            (fresh / _STATE).write_text(state.model_dump_json(), encoding="utf-8")
        except Exception:  # on a full disk, half a checkpoint is in the way of a whole one
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        before = list(self._folder.glob("step-*"))
        fresh.rename(self._folder / _name(state))
        for folder in before:
            shutil.rmtree(folder, ignore_errors=True)
        self._saved = time.monotonic()

    def last(self) -> Checkpoint | None:
        """The newest checkpoint that can be read, if there is one."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        if self._folder is None:
            return None
        for folder in self._folder.glob("writing-*"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in sorted(self._folder.glob("step-*"), reverse=True):
            try:
                state = State.model_validate_json((folder / _STATE).read_bytes())
                return Checkpoint(state, load_file(folder / _TENSORS))
            except (OSError, ValidationError, SafetensorError) as error:
                logger.warning("train: the checkpoint %s cannot be read and is left out: %s", folder, error)
                shutil.rmtree(folder, ignore_errors=True)
        return None


def _name(state: State) -> str:
    return f"step-{state.step:09d}"
