"""The place that a deployment's run holds, of as many as may run at once, while a person is asked.

Prefect 3.8 gives the place away as a run is paused, and then ends the run where it next renews the lease of it, within
four minutes: a person would have to be quick, and another run could begin meanwhile.
"""

from typing import Any
from uuid import UUID

from prefect import State, get_client
from prefect.client.schemas.objects import StateDetails
from prefect.client.schemas.responses import OrchestrationResult
from prefect.states import Running


def pause(run: UUID, state: State[Any]) -> tuple[OrchestrationResult[Any], UUID | None]:
    """Set a running flow run to a paused state that keeps its place; returns the server's answer and the lease."""
    with get_client(sync_client=True) as client:
        seen = client.read_flow_run(run)
        lease = seen.state.state_details.deployment_concurrency_lease_id if seen.state else None
        if lease is None:
            return client.set_flow_run_state(run, state), None
        client.set_flow_run_state(run, Running(), force=True)  # which names no lease, so that none is given up
        answer = client.set_flow_run_state(run, state)
        client.increment_concurrency_slots([f"deployment:{seen.deployment_id}"], 1, "concurrency")
        return answer, lease


def go_on(run: UUID, lease: UUID | None) -> None:
    """Set the flow run to running again, with the lease, which Prefect gives up as the run ends."""
    with get_client(sync_client=True) as client:
        details = StateDetails(deployment_concurrency_lease_id=lease)
        client.set_flow_run_state(run, Running(state_details=details), force=True)
