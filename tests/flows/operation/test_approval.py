"""Approval through a real Prefect server: by its API as the UI does, by the registry as the shell does, or by none."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from prefect import State, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from flows.versions.deciding import answer
from tasks.errors import RunCancelled
from tasks.evidence import Evidence
from tasks.registry import Approvals, Registry
from tests.flows.small_project import Finished, run, settings, write

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def asking(finished: Finished, store_root: Path, tmp_path: Path, tiny_llama: Path) -> Callable[[float], Path]:
    """The finished project under another name, so that nobody is on stage, whose promotions a person approves."""
    shutil.copytree(finished.store, store_root)
    (store_root / "registry.sqlite").unlink()
    shutil.copytree(finished.project.parent, tmp_path / "project")

    def project(seconds: float) -> Path:
        given = settings(tiny_llama)
        promote = given["promote"] | {"approval": "human", "approval_timeout_seconds": seconds}
        return write(tmp_path / "project", given | {"promote": promote})

    return project


_ASKED_SECONDS = 600  # on a busy machine it takes a run minutes to ask


def meanwhile(act: Callable[[], Any]) -> threading.Thread:
    """Act in a thread of its own once somebody is asked."""

    def once_asked() -> None:
        until = time.monotonic() + _ASKED_SECONDS
        while not Approvals().open("small"):
            if time.monotonic() > until:
                return  # nobody was asked: the test sees it
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=once_asked, daemon=True)
    thread.start()
    return thread


def resume(**given: object) -> None:
    """What the form in the Prefect UI sends."""
    with get_client(sync_client=True) as client:
        asking = waiting(client)
        while client.resume_flow_run(asking, run_input=dict(given)).status.value != "ACCEPT":
            time.sleep(0.05)


def cancel() -> None:
    """What the button in the Prefect UI sends."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(waiting(client), State(type=StateType.CANCELLING))


def waiting(client: SyncPrefectClient) -> UUID:
    """The flow run that waits for approval."""
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    while not (runs := client.read_flow_runs(flow_run_filter=paused)):
        time.sleep(0.05)
    return runs[0].id


def states() -> list[tuple[StateType, str | None]]:
    """Those that the last flow run went through."""
    with get_client(sync_client=True) as client:
        [last] = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        return [(state.type, state.name) for state in client.read_flow_run_states(last.id)]


def evidence(folder: Path) -> Evidence:
    return Evidence.model_validate_json((folder / "evidence.json").read_text())


def test_a_student_goes_on_stage_once_the_form_in_the_ui_says_so(asking: Callable[[float], Path]) -> None:
    project = asking(120)
    thread = meanwhile(lambda: resume(approve=True, name="ada", note="read twenty answers"))
    folder = run(project)
    thread.join()
    assert evidence(folder).on_stage
    [move] = Registry().moves("small")
    assert (move.why, move.who, move.reason) == ("approved", "ada", "read twenty answers")
    assert evidence(folder).reasons[-1].words == "approval: approved by ada: read twenty answers"
    assert states()[-1] == (StateType.COMPLETED, "Promoted")
    assert run(project) == folder, "asked again"


def test_a_rejection_from_another_shell_ends_the_pause_and_stands(asking: Callable[[float], Path]) -> None:
    project = asking(120)
    thread = meanwhile(lambda: answer("small", None, "rejected", "too curt"))
    folder = run(project)
    thread.join()
    assert evidence(folder).verdict == "promote"
    assert not evidence(folder).on_stage
    assert evidence(folder).reasons[-1].words.endswith(": too curt")
    assert states()[-1] == (StateType.COMPLETED, "NotApproved")
    assert run(project) == folder, "asked again"
    assert Registry().champion("small") is None


def test_a_run_that_is_cancelled_while_it_waits_ends_soon_and_leaves_the_question_open(
    asking: Callable[[float], Path],
) -> None:
    thread = meanwhile(cancel)
    with pytest.raises(RunCancelled, match="The question stays open"):
        run(asking(120))
    thread.join()
    assert Approvals().open("small")
    assert states()[-1] == (StateType.CANCELLED, "Cancelled")


def test_when_nobody_decides_in_time_it_is_rejected(asking: Callable[[float], Path]) -> None:
    folder = run(asking(0.5))
    assert not evidence(folder).on_stage
    [version] = Registry().history("small")
    found = Approvals().find("small", version.student)
    assert found
    assert (found.decision, found.note) == ("timed out", "nobody decided in time")
    assert evidence(folder).reasons[-1].words == "approval: timed out: nobody decided in time"
    assert states()[-3:] == [
        (StateType.PAUSED, "AwaitingApproval"),
        (StateType.RUNNING, "Running"),
        (StateType.COMPLETED, "ApprovalTimedOut"),
    ]


def test_an_approval_while_no_flow_runs_puts_it_on_stage_and_the_next_run_completes_it(
    asking: Callable[[float], Path],
) -> None:
    project = asking(120)
    registry = Registry()
    thread = meanwhile(lambda: answer("small", None, "rejected", ""))
    run(project)
    thread.join()
    [version] = registry.history("small")
    changed = version._replace(holdout=None)
    registry.enter("small", changed.student, None, "promote", None, waits=True)  # what was shown is other evidence now
    Approvals().ask("small", version.student, 60)  # and the flow that asked was killed
    answer("small", None, "approved", "")
    assert evidence(run(project)).on_stage
    assert yaml.safe_load(project.read_text())["promote"]["approval"] == "human"
