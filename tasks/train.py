"""train: train, validation → student. Can a small model learn it?"""

import time

from prefect import task

from tasks.artifacts import Dataset, Made, Result, Student, Tally, digest
from tasks.caching import BY_CONTENT, content
from tasks.evidence import Training
from tasks.models import Budget
from tasks.rows import Kept
from tasks.store import Store
from tasks.trainers import ExistingTrainer, HostedTrainer, Trainer, order

VERSION = "4"


class Trained(Result):
    """The student, and how it was made."""

    student: Student
    training: Training


@task(name="train", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def train(config: Trainer, train: Dataset, validation: Dataset, budget: Budget) -> Trained:
    """Let a small model learn the kept answers."""
    started = time.monotonic()
    rows: list[Kept] = list(Store().read_rows(train))
    watched: list[Kept] = list(Store().read_rows(validation))
    made = Made(
        stage="train",
        version=VERSION,
        config=config.model_dump(mode="json"),
        parents={"train": train.fingerprint, "validation": validation.fingerprint},
    )
    with Store().unfinished(digest([VERSION, content(config), made.parents])) as checkpoints:
        if isinstance(config, HostedTrainer):
            lesson = order(config, rows, watched, budget)
        else:
            lesson = config.learn(rows, watched, checkpoints)
        student = Store().write_folder(Student, lesson.save, made)
    outcomes = {
        "trained": lesson.training.rows,
        "validated": lesson.training.watched,
        "too_long": lesson.training.too_long,
    }
    rows_in = len(rows) + len(watched)
    if isinstance(config, ExistingTrainer):
        outcomes["not_learned"] = rows_in
    return Trained(
        student=student,
        training=lesson.training,
        tally=Tally(rows_in=rows_in, outcomes=outcomes),
        seconds=time.monotonic() - started,
    )
