"""One server, worker and database as `stillhouse up` starts them, and what a run is from there."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.house import House, opened
from tests.flows.small_project import build
from tests.postgres import Server


@pytest.fixture(scope="module")
def house(tiny_llama: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The small project with its deployment, up; the server's database is PostgreSQL."""
    folder = tmp_path_factory.mktemp("house")
    with opened(folder, postgres, build(folder, tiny_llama)) as house:
        yield house


def test_what_is_deployed_has_a_schedule_a_typed_form_and_runs_one_at_a_time(house: House) -> None:
    [deployed] = house.api("deployments/filter", deployments={"name": {"any_": ["small"]}})
    [schedule] = deployed["schedules"]
    form = deployed["parameter_openapi_schema"]["properties"]
    assert (schedule["active"], schedule["schedule"]["timezone"]) == (True, "Europe/Berlin")
    assert deployed["global_concurrency_limit"]["limit"] == 1
    assert deployed["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert "US dollars" in form["budget_usd"]["description"]
    assert form["budget_usd"]["anyOf"][0] == {"minimum": 0, "type": "number"}
    until = time.monotonic() + 60
    while not (coming := house.api("flow_runs/filter", flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}})):
        assert time.monotonic() < until, "the scheduler creates no run"
        time.sleep(1)
    assert coming[0]["deployment_id"] == deployed["id"]


def test_a_run_asked_for_from_afar_is_run_by_the_worker(house: House) -> None:
    shown = house.command("run", str(house.project), "--remote", "--budget-usd", "0.5").strip()
    run = house.finished(shown.rpartition("/")[2])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert run["parameters"] == {"project": house.project.name, "budget_usd": 0.5}
    assert run["name"].startswith("distill small")
    stages = house.api("task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
    assert {re.sub(r"-\w+$", "", stage["name"]) for stage in stages} >= {"sample", "teach", "train", "promote"}
    assert "v1" in house.command("history", str(house.project))


def test_up_again_leaves_what_runs_alone(house: House) -> None:
    said = house.command("up", "--file", "prefect.yaml")
    assert f"http://127.0.0.1:{house.port} (was up)" in said
    assert "worker: pool stillhouse (was up)" in said


def test_a_project_that_was_not_deployed_is_refused(house: House) -> None:
    other = house.project.with_name("other.yaml")
    other.write_text(house.project.read_text().replace("name: small", "name: other"))
    assert "has no deployment distill/other" in house.command("run", str(other), "--remote", fails=True)


def test_a_port_that_is_taken_and_a_file_that_is_not_there_are_refused(house: House, tmp_path: Path) -> None:
    elsewhere = house._replace(environment=house.environment | {"STILLHOUSE_STORE": str(tmp_path)})
    taken = elsewhere.command("up", "--file", "prefect.yaml", "--port", str(house.port), fails=True)
    assert f"something else listens on port {house.port}" in taken
    assert "nowhere.yaml is not there" in elsewhere.command("up", "--file", "nowhere.yaml", fails=True)
    assert elsewhere.command("down").split("\n")[:2] == ["worker: was not up", "server: was not up"]
    assert "no Prefect server is known" in elsewhere.command("run", str(house.project), "--remote", fails=True)
