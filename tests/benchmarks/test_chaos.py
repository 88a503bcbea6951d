"""What ends runs elsewhere: a server, a database or a worker that goes away in their midst. Each is a minute or so."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.flows.house import House, opened
from tests.flows.small_project import build
from tests.flows.test_live_teacher import ROWS, SCHEMA, changed
from tests.postgres import Server
from tests.provider import Behaviour, Provider, provider_thread

GONE_SECONDS = 12
AT_ONCE = 4
TOKENS = iter(range(51, 99))


class Street(NamedTuple):
    """A house with two projects, the teacher whom both pay, and the server of its database."""

    house: House
    provider: Provider
    postgres: Server
    projects: list[Path]

    def anew(self, **train: Any) -> None:
        """Change what is asked, so that every row is to be bought."""
        tokens = next(TOKENS)
        for project in self.projects:
            content = yaml.safe_load(project.read_text())
            content["teach"]["max_output_tokens"] = tokens
            content["train"] |= train
            project.write_text(yaml.safe_dump(content))
        self.provider.asked.clear()

    def until_asked(self, requests: int) -> None:
        """Wait until the teacher was asked so often."""
        self.house.until(lambda: len(self.provider.asked) >= requests)

    def bought(self) -> Counter[str]:
        """How often each request was billed."""
        return Counter(each.digest for each in self.provider.asked if each.billed)


@pytest.fixture(scope="module")
def street(tiny_llama: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    with provider_thread(Behaviour(latency_seconds=0.4)) as provider:
        build(folder, tiny_llama)
        (folder / "schema.json").write_text(json.dumps(SCHEMA))
        content = yaml.safe_load(changed(folder, tiny_llama, provider).read_text())
        content["teach"]["model"]["pace"] = {"max_in_flight": AT_ONCE}
        projects: list[Path] = []
        for name in ("small", "other"):
            projects.append(folder / f"{name}.yaml")
            own = {"name": name, "teach": content["teach"] | {"prompt": f"{name}.md"}}
            projects[-1].write_text(yaml.safe_dump(content | own))
            (folder / f"{name}.md").write_text(f"Answer as the shop {name}, with a JSON object: intent and reply.")
        with opened(folder, postgres, *projects, SHOP_KEY="key", STILLHOUSE_CHECKPOINT_SECONDS="0") as house:
            yield Street(house, provider, postgres, projects)


def test_two_projects_at_once_on_one_worker_and_one_store(street: Street) -> None:
    street.anew()
    runs = [street.house.begin(project) for project in street.projects]
    assert [street.house.finished(run)["state"]["type"] for run in runs] == ["COMPLETED", "COMPLETED"]
    assert sorted(street.bought().values()) == [1] * 2 * ROWS
    spans = [(seen["start_time"], seen["end_time"]) for seen in map(street.house.finished, runs)]
    assert max(start for start, _ in spans) < min(end for _, end in spans)
    assert [len(street.house.champions(project)) for project in street.projects] == [1, 1]


def test_a_run_outlives_its_server(street: Street) -> None:
    street.anew()
    run = street.house.begin()
    street.until_asked(ROWS // 3)
    street.house.kill("server")
    street.house.up()
    assert street.house.finished(run)["state"]["type"] == "COMPLETED"
    assert sorted(street.bought().values()) == [1] * ROWS
    assert len(street.house.champions()) == 1


def test_a_run_outlives_the_database_of_its_server(street: Street) -> None:
    street.anew()
    run = street.house.begin()
    street.until_asked(ROWS // 3)
    street.postgres.stop()
    street.until_asked(ROWS)  # teaching needs nobody else; what follows does
    time.sleep(GONE_SECONDS)
    street.postgres.serve()
    assert street.house.finished(run)["state"]["type"] == "COMPLETED"
    assert sorted(street.bought().values()) == [1] * ROWS


def test_a_run_whose_worker_is_killed_while_it_teaches_is_completed_by_the_next(street: Street) -> None:
    street.anew()
    killed = street.house.begin()
    street.until_asked(ROWS // 3)
    street.house.kill("worker")
    street.house.up()
    street.house.crash(killed)
    assert street.house.finished(street.house.begin())["state"]["type"] == "COMPLETED"
    bought = street.bought()
    assert len(bought) == ROWS
    assert bought.total() - ROWS <= AT_ONCE


def test_a_run_whose_worker_is_killed_while_it_trains_is_completed_by_the_next(street: Street) -> None:
    street.anew(epochs=100)
    killed = street.house.begin()
    street.house.until(lambda: any((street.house.folder / "store" / "unfinished").rglob("state.json")))
    street.house.kill("worker")
    street.house.up()
    street.house.crash(killed)
    assert street.house.finished(street.house.begin())["state"]["type"] == "COMPLETED"
    assert sorted(street.bought().values()) == [1] * ROWS
