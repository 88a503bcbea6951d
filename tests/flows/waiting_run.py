"""A flow that waits once for something that is not done yet, and writes down each time that it comes by."""

from pathlib import Path

from prefect import flow

from flows.operation.waiting import patiently
from tasks.errors import Waiting


@flow
def waiting_run(diary: Path, seconds: float = 0.1) -> None:
    """What waits for the second line."""
    patiently(lambda: come_by(diary, seconds))
    with diary.open("a") as lines:
        lines.write("went on\n")


def come_by(diary: Path, seconds: float) -> None:
    """Raises `Waiting` the first time."""
    if not diary.exists():
        diary.write_text("came by\n")
        raise Waiting("teach: 1 batch of 3 rows is out", seconds)
