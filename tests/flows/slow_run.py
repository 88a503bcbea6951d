"""python -m tests.flows.slow_run PROJECT ASKED [STAGE]: a run that holds in the middle of a stage, to be killed there.

Writes the key of each request to the teacher into the file ASKED, before it is answered.
"""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.context import TaskRunContext
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.distill import distil
from flows.project import Project, load
from tasks.caching import results_folder
from tasks.models import Answered, Recorded, Request, request_key

ASKED_AT_ONCE = 8
HELD_AT_WORK = {"teach": ("teach", 16), "train": ("train", 1), "evaluate": ("evaluate student", 0)}
"""Stages that say how far they are: what they call it, and from how much of it on they are held."""


class Slow(Recorded):
    """Answers eight at a time, and writes down what it is asked."""

    def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
        for start in range(0, len(requests), ASKED_AT_ONCE):
            some = requests[start : start + ASKED_AT_ONCE]
            with Path(sys.argv[2]).open("a") as file:
                file.writelines(f"{request_key(self.identity(), request)}\n" for request in some)
            time.sleep(0.11)  # as often as Progress reports
            for batch in super().answer(some):
                yield [Answered(start + position, answer) for position, answer in batch]


class Hold(logging.Handler):
    """Holds the process in the middle of a stage: at work, or with what it made written but not kept."""

    def __init__(self, stage: str) -> None:
        super().__init__(logging.DEBUG)
        self.stage = stage

    def emit(self, record: logging.LogRecord) -> None:
        name, least = HELD_AT_WORK.get(self.stage, ("", 0))
        if record.__dict__.get("stage") == name and record.__dict__["done"] >= least:
            hold()

    def audit(self, event: str, details: tuple[Any, ...]) -> None:
        keeps = event == "os.rename" and "writing-" in str(details[0])
        stores = event == "open" and "/results/" in str(details[0]) and details[2] & os.O_CREAT
        if (keeps or stores) and self.stage not in HELD_AT_WORK:
            at_work = TaskRunContext.get()
            if at_work and at_work.task.name == self.stage:
                hold()


def hold() -> None:
    print("holding", flush=True)
    time.sleep(600)


def slowed(project: Project) -> Project:
    teacher = project.teach.model
    assert isinstance(teacher, Recorded)
    slow = Slow(provider="recorded", answers=teacher.answers, model=teacher.model)
    return project.model_copy(update={"teach": project.teach.model_copy(update={"model": slow})})


def main(project: Path, stage: str) -> None:
    holding = Hold(stage)
    sys.addaudithook(holding.audit)
    logging.getLogger("stillhouse").addHandler(holding)
    logging.getLogger("stillhouse").setLevel(logging.DEBUG)

    @flow(name="distill", result_storage=results_folder(), persist_result=False)
    def slow_distill() -> Path:
        return distil(slowed(load(project)))

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        print(slow_distill(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), "".join(sys.argv[3:]))
