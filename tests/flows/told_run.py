"""Flow runs that end in what people are told of, each printed with its id; or one that stays, to be killed.

python -m tests.flows.told_run PROJECT | stays
"""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import get_args

from prefect import flow, tags
from prefect.runtime import flow_run

from flows.operation.ending import ended
from flows.operation.events import Happened, tell
from tasks.errors import BudgetSpent, StageFailed, StillhouseError

RAISED = {"over-budget": BudgetSpent, "failed": StageFailed}


@flow
def stays() -> None:
    print(flow_run.get_id(), flush=True)
    time.sleep(600)


@flow
def becomes(happened: Happened, file: Path) -> None:
    print(happened, flow_run.get_id(), flush=True)
    words = f"what is said of {happened}"

    def work() -> Path:
        raise RAISED[happened](words)

    if happened in RAISED:
        ended(file, work)
    else:
        tell(happened, "small", words)


if __name__ == "__main__":
    if sys.argv[1] == "stays":
        with tags("stillhouse"):
            stays()
    for each in set(get_args(Happened)) - {"promoted", "awaiting-approval", "retrain"}:
        with suppress(StillhouseError):
            becomes(each, Path(sys.argv[1]))
