import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tasks.artifacts import Dataset, Made, Student
from tasks.errors import StageFailed
from tasks.models import Budget
from tasks.rows import Kept
from tasks.store import Store
from tasks.train import Trained, train
from tests.tasks.trainers.lessons import row, trainer

ROWS = [row(number) for number in range(8)]
BUDGET = Budget(project="test", run="run")
LONG = row(9, completion="x" * 500)


def dataset(rows: Sequence[Kept]) -> Dataset:
    return Store().write_rows(rows, Kept, Made(stage="split", version="1", config={}, parents={}))


def trained(base: Path, rows: Sequence[Kept] = ROWS, watched: Sequence[Kept] = ()) -> Trained:
    return train.fn(trainer(base), dataset(rows), dataset(watched), BUDGET)


def test_every_row_is_trained_on_or_watched_or_counted(tiny_llama: Path) -> None:
    result = trained(tiny_llama, [*ROWS, LONG], ROWS[:2])
    assert result.tally.rows_in == 11
    assert result.tally.outcomes == {"trained": 8, "validated": 2, "too_long": 1}


def test_a_validation_row_too_long_is_counted_as_such(tiny_llama: Path) -> None:
    assert trained(tiny_llama, ROWS, [*ROWS[:2], LONG]).tally.outcomes == {"trained": 8, "validated": 2, "too_long": 1}


def test_the_student_is_kept_with_what_made_it(tiny_llama: Path) -> None:
    result = trained(tiny_llama)
    assert Store().intact(result.student)
    made = Store().manifest(result.student).made
    assert (made.stage, made.parents["train"]) == ("train", dataset(ROWS).fingerprint)
    assert made.config["trainer"] == "local"
    saved = json.loads((Store().path(result.student) / "training.json").read_text())
    assert saved == result.training.model_dump(exclude={"seconds"})


def weights(student: Student) -> bytes:
    return (Store().path(student) / "model.safetensors").read_bytes()


def test_the_same_rows_make_the_same_weights(tiny_llama: Path) -> None:
    assert weights(trained(tiny_llama).student) == weights(trained(tiny_llama).student)


def test_the_same_rows_make_the_same_student(tiny_llama: Path) -> None:
    assert trained(tiny_llama).student == trained(tiny_llama).student


def test_no_row_that_fits_fails_the_stage(tiny_llama: Path) -> None:
    with pytest.raises(StageFailed, match=r"each of 1 rows is longer than train\.max_tokens=200"):
        trained(tiny_llama, [LONG])
