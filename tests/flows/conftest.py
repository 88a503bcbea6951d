import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.events import Event
from prefect.events.clients import AssertingEventsClient
from prefect.events.worker import EventsWorker

from tests.flows import yes_no_project
from tests.flows.house import House, opened
from tests.flows.receiver import Told, told
from tests.flows.small_project import Finished, build, run
from tests.flows.test_live_teacher import KEY, SCHEMA, changed
from tests.postgres import Server
from tests.provider import Behaviour, Provider, provider_thread

__all__ = ["told"]  # a fixture that lives beside what it gives


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


@pytest.fixture(scope="session")
def teacher() -> Iterator[Provider]:
    """The service that the house's guarded and outliving projects pay; it lets two keys in."""
    with provider_thread(Behaviour(latency_seconds=0.01, api_keys=(KEY, "key"))) as provider:
        yield provider


@pytest.fixture(scope="session")
def house(
    tiny_llama: Path,
    postgres: Server,
    told: Told,
    teacher: Provider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """One house for all: a server takes long to start. A person approves the promotions of its first project."""
    folder = tmp_path_factory.mktemp("house")
    projects = [build(folder, tiny_llama), folder / "plain.yaml"]
    given = yaml.safe_load(projects[0].read_text())
    named(projects[0], "small", promote=given["promote"] | {"approval": "human"})
    projects[1].write_text(yaml.safe_dump(given | {"name": "plain"}))
    for name, variable in (("guarded", "OPENAI_API_KEY"), ("outliving", "SHOP_KEY")):
        (build(folder / name, tiny_llama).parent / "schema.json").write_text(json.dumps(SCHEMA))
        project = changed(
            folder / name, tiny_llama, teacher, model={"api_key_env": variable, "pace": {"max_in_flight": 4}}
        )
        projects.append(named(project, name))
    projects.append(named(yes_no_project.build(folder / "drifting", tiny_llama), "drifting"))
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("OPENAI_API_KEY", raising=False)
        with opened(
            folder,
            postgres,
            *projects,
            STILLHOUSE_NOTIFY=told.url,
            SHOP_KEY="key",
            PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30",
        ) as house:
            yield house


def named(project: Path, name: str, **more: Any) -> Path:
    """The project under another name."""
    project.write_text(yaml.safe_dump(yaml.safe_load(project.read_text()) | {"name": name} | more))
    return project
