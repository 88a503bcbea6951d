"""Waiting for what a service does in its own time: a worker is let go meanwhile, a terminal waits."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from prefect import get_client
from prefect.exceptions import Pause
from prefect.runtime import deployment, flow_run
from prefect.states import Scheduled

from tasks.errors import OperationFailed, Waiting

Given = TypeVar("Given")

logger = logging.getLogger("stillhouse")


def patiently(work: Callable[[], Given]) -> Given:
    """Within a flow: what the work gives; as often as it waits for a service, the flow does, as `wait` has it."""
    while True:
        try:
            return work()
        except Waiting as waiting:
            wait(waiting)


def wait(waiting: Waiting) -> None:
    """Within a flow: return once the stage is to be run again.

    A deployment's flow run does not return: it is scheduled anew under the name Waiting and ends here, so that its
    worker is free, and whatever restarts meanwhile finds it in Prefect's database. Raises `OperationFailed` where
    Prefect does not take that.
    """
    if deployment.get_id() is None:
        logger.info("%s; looking again every %.0f s, or stop: the same command goes on", waiting, waiting.seconds)
        time.sleep(waiting.seconds)
        return
    later = datetime.now(UTC) + timedelta(seconds=waiting.seconds)
    state = Scheduled(name="Waiting", message=str(waiting), scheduled_time=later)
    with get_client(sync_client=True) as client:
        answer = client.set_flow_run_state(flow_run.get_id() or "", state, force=True)
    if answer.state is None or answer.state.name != "Waiting":
        raise OperationFailed(f"{waiting}, and Prefect does not let its run wait: {answer.status}. Run it again later.")
    raise Pause(state=answer.state)
