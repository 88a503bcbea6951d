"""A run in a process of its own that holds in the middle of a stage, to be killed there."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from prefect import flow
from prefect.context import TaskRunContext
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.distill import distil
from flows.project import Project, load
from tasks.caching import results_folder
from tasks.models import Answered, Recorded, Request, request_key

ASKED_AT_ONCE = 8
HELD_AT_WORK = {"teach": ("teach", 16), "train": ("train", 1), "evaluate": ("evaluate student", 0)}
"""Stages that say how far they are: what they call it, and from how much of it on they are held."""


class Order(NamedTuple):
    """What to run, against which server and in which store, and in which stage to hold, if in any.

    The key of each request to the teacher is written into the file `asked`, before it is answered.
    """

    project: Path
    server: str
    store: Path
    asked: Path
    stage: str


class Slow(Recorded):
    """Answers eight at a time, and writes down what it is asked."""

    _asked: Path

    def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
        for start in range(0, len(requests), ASKED_AT_ONCE):
            some = requests[start : start + ASKED_AT_ONCE]
            with self._asked.open("a") as file:
                file.writelines(f"{request_key(self.identity(), request)}\n" for request in some)
            time.sleep(0.11)  # as often as Progress reports
            for batch in super().answer(some):
                yield [Answered(start + position, answer) for position, answer in batch]


class Hold(logging.Handler):
    """Holds the process in the middle of a stage: at work, or with what it made written but not kept."""

    def __init__(self, stage: str, said: Connection) -> None:
        super().__init__(logging.DEBUG)
        self.stage, self.said = stage, said

    def emit(self, record: logging.LogRecord) -> None:
        name, least = HELD_AT_WORK.get(self.stage, ("", 0))
        if record.__dict__.get("stage") == name and record.__dict__["done"] >= least:
            self.hold()

    def audit(self, event: str, details: tuple[Any, ...]) -> None:
        keeps = event == "os.rename" and "writing-" in str(details[0])
        stores = event == "open" and "/results/" in str(details[0]) and details[2] & os.O_CREAT
        if (keeps or stores) and self.stage not in HELD_AT_WORK:
            at_work = TaskRunContext.get()
            if at_work and at_work.task.name == self.stage:
                self.hold()

    def hold(self) -> None:
        self.said.send("holding")
        time.sleep(600)


def slowed(project: Project, asked: Path) -> Project:
    teacher = project.teach.model
    assert isinstance(teacher, Recorded)
    slow = Slow(provider="recorded", answers=teacher.answers, model=teacher.model)
    slow._asked = asked
    return project.model_copy(update={"teach": project.teach.model_copy(update={"model": slow})})


def main(order: Order, said: Connection) -> None:
    """Says that it holds, or the run's folder."""
    os.environ["STILLHOUSE_STORE"] = str(order.store)
    holding = Hold(order.stage, said)
    sys.addaudithook(holding.audit)
    logging.getLogger("stillhouse").addHandler(holding)
    logging.getLogger("stillhouse").setLevel(logging.DEBUG)

    @flow(name="distill", result_storage=results_folder(), persist_result=False)
    def slow_distill() -> Path:
        return distil(slowed(load(order.project), order.asked))

    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_API_URL: order.server}):
        said.send(str(slow_distill()))
