import os
import subprocess
import sys
from collections.abc import Callable

from prefect.events import Event
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.operation.events import tell

NOWHERE = "http://127.0.0.1:9/api"


def test_an_event_names_its_project_and_says_in_a_sentence_what_happened(heard: Callable[[], list[Event]]) -> None:
    with temporary_settings({PREFECT_API_URL: NOWHERE}):
        tell("promoted", "support", "version 3 is on stage", report="/runs/report.html")
        [event] = heard()
    assert event.event == "stillhouse.promoted"
    assert (event.resource.id, event.resource.name) == ("stillhouse.project.support", "support")
    assert event.payload == {"project": "support", "words": "version 3 is on stage", "report": "/runs/report.html"}


def test_without_a_server_of_the_users_own_nothing_is_sent(heard: Callable[[], list[Event]]) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        tell("failed", "support", "no answer")
    assert heard() == []


def test_a_server_that_is_away_costs_the_event_alone() -> None:
    told = "from flows.operation.events import tell; tell('drift', 'support', '')"
    program = f"import os; {told}; os.write(1, b'on'); os._exit(0)"
    command = [sys.executable, "-c", program]  # at a proper end it would try to send for twenty seconds
    environment = os.environ | {"PREFECT_API_URL": NOWHERE}
    assert subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout == b"on"
