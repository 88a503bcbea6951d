"""A flow that waits once for something that is not done yet, and writes down each time that it comes by."""

from pathlib import Path

from prefect import flow

from flows.operation.waiting import wait
from tasks.errors import Waiting


@flow
def waiting_run(diary: Path, seconds: float = 0.1) -> None:
    """What waits for the second line."""
    while len(diary.read_text().splitlines() if diary.exists() else []) < 1:
        with diary.open("a") as lines:
            lines.write("came by\n")
        wait(Waiting("teach: 1 batch of 3 rows is out", seconds))
    with diary.open("a") as lines:
        lines.write("went on\n")
