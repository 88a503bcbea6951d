from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.events import Event
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker

from tests.flows.small_project import Finished, build, run


@pytest.fixture(scope="session")
def finished(prefect_server: None, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The small project, run once without a fault."""
    place = tmp_path_factory.mktemp("finished")
    project = build(place / "project", tiny_llama)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STILLHOUSE_STORE", str(place / "store"))
        return Finished(project, place / "store", run(project))


@pytest.fixture
def heard() -> Iterator[Callable[[], list[Event]]]:
    """What is told of projects, by the client that Prefect has for tests."""
    EventsWorker.set_client_override(AssertingEventsClient)

    def events() -> list[Event]:
        EventsWorker.drain_all()
        sent = [event for client in AssertingEventsClient.all for event in client.events]
        return [event for event in sent if event.event.startswith("stillhouse.")]

    yield events
    EventsWorker.drain_all()
    AssertingEventsClient.reset()
    EventsWorker.set_client_override(None)
