"""Approval through a real Prefect server: by its API as the UI does, by the registry as the shell does, or by none."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import StateType

from flows.deciding import answer
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


_ASKED_SECONDS = 60


def meanwhile(act: Callable[[], Any]) -> threading.Thread:
    """Act in a thread of its own once somebody is asked."""

    def once_asked() -> None:
        until = time.monotonic() + _ASKED_SECONDS
        while not Approvals().open("small"):
            if time.monotonic() > until:
                return  # nobody was asked: the test sees it
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=once_asked)
    thread.start()
    return thread


def resume(**given: object) -> None:
    """What the form in the Prefect UI sends."""
    paused = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])))
    with get_client(sync_client=True) as client:
        while not (runs := client.read_flow_runs(flow_run_filter=paused)):
            time.sleep(0.05)
        while client.resume_flow_run(runs[0].id, run_input=dict(given)).status.value != "ACCEPT":
            time.sleep(0.05)


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
    assert run(project) == folder, "asked again"


def test_a_rejection_from_another_shell_ends_the_pause_and_stands(asking: Callable[[float], Path]) -> None:
    project = asking(120)
    thread = meanwhile(lambda: answer("small", None, "rejected", "too curt"))
    folder = run(project)
    thread.join()
    assert evidence(folder).verdict == "promote"
    assert not evidence(folder).on_stage
    assert run(project) == folder, "asked again"
    assert Registry().champion("small") is None


def test_when_nobody_decides_in_time_it_is_rejected(asking: Callable[[float], Path]) -> None:
    folder = run(asking(0.5))
    assert not evidence(folder).on_stage
    [version] = Registry().history("small")
    found = Approvals().find("small", version.student)
    assert found
    assert (found.decision, found.note) == ("timed out", "nobody decided in time")


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
