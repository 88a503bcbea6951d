import time
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.runtime import flow_run

from flows.operation import progress
from flows.operation.progress import ProgressArtifacts
from tasks.progress import Progress

pytestmark = pytest.mark.usefixtures("prefect_server")


@flow
def working(seconds: float) -> str:
    with ProgressArtifacts():
        work = Progress("evaluate student", 4)
        work.advance(1, "loss 0.5")
        time.sleep(seconds)
        Progress("split", 2)
        work.advance(3)
    return flow_run.get_id() or ""


def artifacts(run: str) -> list[Any]:
    with get_client(sync_client=True) as client:
        only = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))  # type: ignore[arg-type]
        return client.read_artifacts(artifact_filter=only)


def test_a_stage_at_work_has_an_artifact_that_ends_at_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0.1)
    [shown] = artifacts(working(1.0))
    assert (shown.key, shown.type, shown.data) == ("progress-evaluate-student", "progress", 100.0)
    assert shown.description == "4 of 4 rows"


def test_a_stage_that_is_done_at_once_has_none() -> None:
    assert artifacts(working(0.0)) == []
