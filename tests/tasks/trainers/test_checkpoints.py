import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.trainers.checkpoints import SECONDS, Checkpoints, State
from tests.tasks.trainers.lessons import row, trainer

ROWS = [row(number) for number in range(12)]
LORA = {"method": "lora", "rank": 4, "dropout": 0.1}
FULL = {"method": "full", "layers": 2}


def tensors(value: float) -> dict[str, Any]:
    import torch

    return {"weights/one": torch.full((2, 3), value)}


def test_the_last_checkpoint_is_found_again(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    assert kept.last() is None
    for step in (3, 7):
        kept.save(State(step=step, losses=[0.5]), tensors(step))
    found = kept.last()
    assert found is not None
    assert found.state == State(step=7, losses=[0.5])
    assert found.tensors["weights/one"].tolist() == [[7.0] * 3] * 2
    assert [each.name for each in tmp_path.glob("step-*")] == ["step-000000007"]


@pytest.mark.parametrize("broken", ["state.json", "state.safetensors"])
def test_a_checkpoint_that_cannot_be_read_is_left_out(tmp_path: Path, broken: str) -> None:
    kept = Checkpoints(tmp_path)
    kept.save(State(step=3), tensors(3))
    (tmp_path / "step-000000003" / broken).write_bytes(b"\x00half")
    assert kept.last() is None


def test_the_same_step_twice_is_one_checkpoint(tmp_path: Path) -> None:
    kept = Checkpoints(tmp_path)
    for _ in range(3):
        kept.save(State(step=3), tensors(3))
    assert [each.name for each in tmp_path.iterdir()] == ["step-000000003"]
    assert kept.last() is not None


LEARN = """
import sys
from pathlib import Path
from tests.tasks.trainers.lessons import row, trainer
import json
base, folder, tuning = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
rows = [row(number) for number in range(12)]
trainer(base, epochs=40, tuning=tuning, patience=None).learn(rows, rows[:3], folder / "so-far")
"""


def killed_half_way(base: Path, folder: Path, tuning: dict[str, Any]) -> int:
    """Trains in another process, kills it with -9 once there is a checkpoint, and returns the step of that."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEARN, str(base), str(folder), json.dumps(tuning)], env=os.environ | {SECONDS: "0"}
    )
    while not list((folder / "so-far" / "0").glob("step-0000000[2-9]*")):
        assert process.poll() is None, "it ended before it was killed"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = Checkpoints(folder / "so-far" / "0").last()
    assert found is not None
    return found.state.step


@pytest.mark.parametrize("tuning", [LORA, FULL], ids=["lora", "full"])
def test_a_killed_training_ends_where_an_uninterrupted_one_ends(
    tiny_llama: Path, tmp_path: Path, tuning: dict[str, Any]
) -> None:
    asked = trainer(tiny_llama, epochs=40, tuning=tuning, patience=None)
    whole = asked.learn(ROWS, ROWS[:3])
    step = killed_half_way(tiny_llama, tmp_path, tuning)
    assert 0 < step < whole.training.steps
    resumed = asked.learn(ROWS, ROWS[:3], tmp_path / "so-far")
    assert resumed.training.curve == whole.training.curve
    folders = [tmp_path / "whole", tmp_path / "resumed"]
    for folder, lesson in zip(folders, (whole, resumed), strict=True):
        folder.mkdir()
        lesson.save(folder)
    one, other = ((folder / "model.safetensors").read_bytes() for folder in folders)
    assert one == other


def test_a_training_that_had_ended_is_not_done_again(tiny_llama: Path, tmp_path: Path) -> None:
    asked = trainer(tiny_llama, epochs=3)
    first = asked.learn(ROWS, ROWS[:3], tmp_path)
    import torch

    for _ in range(2):
        with torch.autograd.set_grad_enabled(False):  # a single step would raise
            assert asked.learn(ROWS, ROWS[:3], tmp_path).training.curve == first.training.curve


def test_a_checkpoint_of_other_weights_is_not_taken(tiny_llama: Path, tmp_path: Path) -> None:
    trainer(tiny_llama, tuning=LORA, epochs=3).learn(ROWS, [], tmp_path)
    wider = trainer(tiny_llama, tuning=LORA | {"rank": 8}, epochs=3)
    assert wider.learn(ROWS, [], tmp_path).training.curve == wider.learn(ROWS, []).training.curve


def test_a_search_that_was_killed_ends_where_an_uninterrupted_one_ends(tiny_llama: Path, tmp_path: Path) -> None:
    asked = trainer(tiny_llama, tuning=LORA, epochs=4, learning_rate=None, search=[1e-4, 0.01])
    whole = asked.learn(ROWS, ROWS[:3])
    first = trainer(tiny_llama, tuning=LORA, epochs=4, learning_rate=1e-4)
    assert first.learn(ROWS, ROWS[:3], tmp_path).training.curve == first.learn(ROWS, ROWS[:3]).training.curve
    resumed = asked.learn(ROWS, ROWS[:3], tmp_path)
    assert resumed.training.model_dump(exclude={"seconds"}) == whole.training.model_dump(exclude={"seconds"})
