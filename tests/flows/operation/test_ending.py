"""The state in which a flow run ends, and what its caller gets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from prefect import State, flow
from prefect.client.schemas.objects import StateType
from prefect.events import Event

from flows.evidence.gathering import publish
from flows.operation.ending import ended, said
from tasks.errors import BudgetSpent, RunCancelled, StageFailed
from tasks.evidence import Evidence, Reason
from tests.tasks.report.runs import evidence

pytestmark = pytest.mark.usefixtures("prefect_server")

BROKEN = Path("deployments/small.yaml")  # is not there, so that the project has its file's name
REASONS = [
    Reason(holds="yes", words="length holds"),
    Reason(holds="no", words="intent fails"),
    Reason(holds="unsettled", words="voice is open"),
    Reason(holds="no", words="copying shows, which is only said", blocks=False),
]


def last_state(work: Callable[[], Path]) -> State[Path]:
    """The state of a flow that does the work."""

    @flow(persist_result=False)
    def working() -> Path:
        return ended(BROKEN, work)

    return working(return_state=True)


def decided(verdict: str, on_stage: bool = False) -> Evidence:
    shown = evidence("text")
    return shown.model_copy(update={"verdict": verdict, "on_stage": on_stage, "reasons": REASONS})


def test_a_verdict_names_the_state_and_the_caller_gets_the_folder(heard: Callable[[], list[Event]]) -> None:
    folders = [publish(decided("reject"))]
    state = last_state(lambda: publish(decided("inconclusive")))
    assert (state.type, state.name) == (StateType.COMPLETED, "Inconclusive")
    assert state.result().parent == folders[0].parent
    assert state.message
    assert "The verdict is inconclusive: voice is open. Report: " in state.message
    assert str(state.result() / "report.html") in state.message
    [event] = heard()
    assert (event.event, event.resource.id) == ("stillhouse.inconclusive", "stillhouse.project.support")


def test_what_is_as_it_was_is_told_to_nobody_again(heard: Callable[[], list[Event]]) -> None:
    folder = publish(decided("reject").model_copy(update={"project": "small"}))
    state = last_state(lambda: folder)
    assert state.name == "Rejected"
    assert state.message
    assert state.message.startswith("Nothing has changed: small version 3 is not on stage.")
    assert heard() == []


@pytest.mark.parametrize(
    ("error", "type", "name", "told"),
    [
        (BudgetSpent("$1 is spent"), StateType.FAILED, "OverBudget", ["stillhouse.over-budget"]),
        (RunCancelled("by somebody"), StateType.CANCELLED, "Cancelled", []),
        (StageFailed("nothing is left"), StateType.FAILED, "Failed", ["stillhouse.failed"]),
        (ZeroDivisionError("by zero"), StateType.FAILED, "Failed", ["stillhouse.failed"]),
    ],
)
def test_an_error_names_the_state_and_the_caller_gets_it(
    heard: Callable[[], list[Event]], error: Exception, type: StateType, name: str, told: list[str]
) -> None:
    def fails() -> Path:
        raise error

    state = last_state(fails)
    assert (state.type, state.name) == (type, name)
    assert str(error) in str(state.message)
    with pytest.raises(error.__class__, match=str(error).replace("$", r"\$")):
        state.result()
    assert [event.event for event in heard()] == told
    assert [event.resource.name for event in heard()] == ["small"] * len(told)


def test_only_what_decided_is_said() -> None:
    assert said(decided("reject")) == "support version 3 is not on stage. The verdict is reject: intent fails."
    assert said(decided("promote", on_stage=True)) == "support version 3 is on stage. The verdict is promote."
