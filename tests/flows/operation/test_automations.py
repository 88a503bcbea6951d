"""What is shipped as automations; that a server takes them, and what they do there, is in test_up.py."""

from pathlib import Path
from typing import get_args
from uuid import UUID, uuid4

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore, EventTrigger

from flows.operation.automations import addressed, read
from flows.operation.events import Happened
from tasks.errors import OperationFailed

FILE = Path(__file__).parents[3] / "deployments" / "automations.yaml"
BLOCK = uuid4()


def shipped(block: UUID | None = BLOCK) -> list[AutomationCore]:
    return [addressed(each, block) for each in read(FILE)]


def test_every_event_that_people_should_hear_of_is_notified_and_none_that_is_never_told() -> None:
    triggers = [each.trigger for each in shipped() if each.actions[0].type == "send-notification"]
    heard = {event for trigger in triggers if isinstance(trigger, EventTrigger) for event in trigger.expect}
    assert heard == {f"stillhouse.{each}" for each in get_args(Happened) if each != "retrain"} | {
        "prefect.flow-run.Crashed"
    }


def test_without_an_address_they_are_there_and_notify_nobody() -> None:
    assert [each.name for each in shipped(None)] == [each.name for each in shipped()]
    assert {action.type for each in shipped(None) for action in each.actions} == {"do-nothing", "change-flow-run-state"}


def test_a_run_is_gone_only_after_prefect_has_told_whatever_it_holds_back() -> None:
    [gone] = [each.trigger for each in shipped() if each.name == "stillhouse gone"]
    assert isinstance(gone, EventTrigger)
    assert gone.within.total_seconds() > 15 * 60 + 2 * 180  # what it holds back at most, and two heartbeats


@pytest.mark.parametrize("content", ["deployments: []", "[", "7"])
def test_a_file_without_automations_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.yaml").write_text(content)
    with pytest.raises(OperationFailed, match="no list of automations"):
        read(tmp_path / "other.yaml")


def test_an_automation_that_is_none_is_refused_by_name() -> None:
    [first, *_] = yaml.safe_load(FILE.read_text())["automations"]
    with pytest.raises(OperationFailed, match="automation stillhouse promoted: "):
        addressed({**first, "trigger": {"type": "never"}}, None)
