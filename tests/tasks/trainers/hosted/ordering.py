"""python -m tests.tasks.trainers.hosted.ordering SERVICE URL [saving]: orders a training, perhaps to be killed there.

With `saving` it holds once the student is written and not yet kept, and says so.
"""

import sys
import time
from typing import Any

from tasks.artifacts import Made, Student
from tasks.errors import Waiting
from tasks.models import Budget
from tasks.store import Store
from tasks.trainers import order
from tests.tasks.trainers.hosted.orders import ROWS, WATCHED, trainer


def hold(event: str, details: tuple[Any, ...]) -> None:
    if event == "os.rename" and "writing-" in str(details[0]):
        print("holding", flush=True)
        time.sleep(600)


def main(service: str, url: str, *moment: str) -> None:
    if moment:
        sys.addaudithook(hold)
    budget = Budget(project="shop", run="run", project_usd=10)
    try:
        lesson = order(trainer(service, url), ROWS, WATCHED, budget)
    except Waiting as waiting:
        print(waiting, flush=True)
        return
    made = Made(stage="train", version="1", config={}, parents={})
    print(Store().write_folder(Student, lesson.save, made).fingerprint, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
