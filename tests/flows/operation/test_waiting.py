"""Waiting within a flow: at a terminal it sleeps, and a deployment's run is scheduled anew and leaves its worker."""

import asyncio
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect import flow, get_client, task
from prefect.client.schemas.objects import FlowRun
from prefect.runner import Runner

from flows.distill import run_stage
from tasks.artifacts import Result, Tally
from tests.flows.waiting_run import come_by, waiting_run

pytestmark = pytest.mark.usefixtures("prefect_server")


async def asked(runner: Runner, parameters: dict[str, Any]) -> UUID:
    """A run of the flow's deployment, to be begun by the runner."""
    deployment = await runner.add_flow(waiting_run, name="waits")  # pyright: ignore[reportGeneralTypeIssues]
    async with get_client() as client:
        return (await client.create_flow_run_from_deployment(deployment, parameters=parameters)).id


def seen(run: UUID) -> FlowRun:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run)


def test_at_a_terminal_the_flow_waits_and_goes_on(tmp_path: Path) -> None:
    started = time.monotonic()
    waiting_run(tmp_path / "diary", 0.2)
    assert time.monotonic() - started > 0.2
    assert (tmp_path / "diary").read_text() == "came by\nwent on\n"


def test_whichever_flow_runs_a_stage_waits_for_it(tmp_path: Path) -> None:
    @task
    def stage(diary: Path) -> Result:
        come_by(diary, 0.1)
        return Result(tally=Tally(rows_in=0, outcomes={}), seconds=0)

    @flow
    def another() -> Result:
        return run_stage(stage, tmp_path / "diary")

    assert another().tally.rows_in == 0
    assert (tmp_path / "diary").read_text() == "came by\n"


def test_the_run_of_a_deployment_frees_its_worker_and_is_taken_up_when_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    diary = tmp_path / "diary"

    runner = Runner(name="a worker")
    run = asyncio.run(asked(runner, {"diary": str(diary), "seconds": 3}))
    asyncio.run(runner.start(run_once=True))
    waits = seen(run)
    assert waits.state is not None
    assert (waits.state.name, waits.state.message) == ("Waiting", "teach: 1 batch of 3 rows is out")
    assert waits.next_scheduled_start_time == waits.state.state_details.scheduled_time  # by which workers find it
    until = time.monotonic() + 60
    while not ((state := seen(run).state) and state.is_final()) and time.monotonic() < until:
        asyncio.run(runner.start(run_once=True))
    assert state is not None
    assert state.is_completed()
    assert diary.read_text() == "came by\nwent on\n"
