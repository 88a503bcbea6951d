"""One server, worker and database as `stillhouse up` starts them, and what a run is from there."""

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.operation.up import Up, place
from tests.flows.house import WHO, House
from tests.flows.receiver import Told
from tests.tasks.report.test_browser import chromium

__all__ = ["chromium"]  # a fixture that lives beside the report's own test

STAGES = {"sample", "teach", "filter", "split", "train", "evaluate", "promote"}
SHOWN = {"verdict-small", "scores-small", "funnel-small", "stages-small"}
_SECONDS = 240


def test_what_is_deployed_has_a_schedule_a_typed_form_and_runs_one_at_a_time(house: House) -> None:
    deployed = house.deployment("small")
    [schedule] = deployed["schedules"]
    form = deployed["parameter_openapi_schema"]["properties"]
    assert (schedule["active"], schedule["schedule"]["timezone"]) == (True, "Europe/Berlin")
    assert deployed["global_concurrency_limit"]["limit"] == 1
    assert deployed["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"
    assert "US dollars" in form["budget_usd"]["description"]
    assert form["budget_usd"]["anyOf"][0] == {"minimum": 0, "type": "number"}
    until = time.monotonic() + 60
    while not (coming := scheduled(house, deployed["id"])):
        assert time.monotonic() < until, "the scheduler creates no run"
        time.sleep(1)
    assert coming[0]["auto_scheduled"]
    house.command("deploy", house.project.name, "--cron", "0 4 * * 2")
    [schedule] = house.deployment("small")["schedules"]
    assert (schedule["schedule"]["cron"], schedule["schedule"]["timezone"]) == ("0 4 * * 2", "UTC")


def scheduled(house: House, deployment: str) -> list[dict[str, Any]]:
    """The runs of a deployment that are to come."""
    coming = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    return house.api("flow_runs/filter", flow_runs=coming, deployments={"id": {"any_": [deployment]}})


def test_a_run_asked_for_from_afar_waits_for_a_person_and_puts_its_student_on_stage(house: House, told: Told) -> None:
    run = trigger(house, "--budget-usd", "0.5")
    waits = house.once(run, "PAUSED", "COMPLETED", "FAILED", "CRASHED")
    assert waits["state"]["name"] == "AwaitingApproval", waits["state"]
    second = house.finished(trigger(house))
    assert second["state"]["name"] == "Cancelled", "two runs of one project at once"
    assert second["state"]["message"] == "Deployment concurrency limit reached."
    assert places(house) == 1
    house.api(f"flow_runs/{run}/resume", run_input={"approve": True, "name": "ada", "note": "read twenty"})
    ended = house.finished(run)
    assert ended["state"]["name"] == "Promoted", ended["state"]
    assert ended["state"]["message"].startswith("small version 1 is on stage. The verdict is promote. Report: ")
    assert ended["parameters"] == {"project": house.project.name, "budget_usd": 0.5}
    assert re.fullmatch(r"distill small \d{4}-\d\d-\d\d \d\d:\d\d", ended["name"])
    assert places(house) == 0
    stages = house.api("task_runs/filter", flow_runs={"id": {"any_": [run]}})
    assert {stage["name"].rpartition("-")[0] for stage in stages} == STAGES
    shown = {each["key"] for each in house.api("artifacts/filter", flow_runs={"id": {"any_": [run]}})}
    assert shown >= SHOWN
    history = house.command("history", str(house.project))
    assert "approved ada" in history
    assert "on stage" in history
    page = f"http://127.0.0.1:{house.port}/runs/flow-run/{run}"
    promoted, asked = (told.once(f"small: stillhouse.{each}") for each in ("promoted", "awaiting-approval"))
    assert promoted.startswith("small version 1 is on stage.")
    assert [each.split()[-1] for each in (promoted, asked)] == [page, page]


def trigger(house: House, *options: str) -> str:
    """A run of the deployment, asked for as a person does at a terminal."""
    return house.command("run", str(house.project), "--remote", *options).strip().rpartition("/")[2]


def places(house: House) -> int:
    """How many runs hold a place of those that may run at once."""
    deployed = house.deployment("small")
    return house.api(f"deployments/{deployed['id']}")["global_concurrency_limit"]["active_slots"]


def test_the_form_starts_a_run_and_its_page_shows_stages_and_verdict(
    house: House, chromium: Any, tmp_path: Path
) -> None:
    """In a real browser; pictures of what was seen lie in the test's folder."""
    deployed = house.deployment("plain")
    address = f"http://127.0.0.1:{house.port}"
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
    password = json.dumps(base64.b64encode(WHO.encode()).decode())
    page.add_init_script(f"localStorage.setItem('prefect-password', {password})")  # as its login page keeps it
    page.set_default_timeout(_SECONDS * 1000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{address}/deployments/deployment/{deployed['id']}/run")
    page.get_by_text("The most that this run may spend, in US dollars").wait_for()
    assert page.get_by_text("The project's YAML, as deployments/support.yaml.").is_visible()
    page.get_by_text("float", exact=True).click()
    page.locator("input[type=number]").fill("0.5")
    page.screenshot(path=tmp_path / "form.png")
    page.get_by_role("button", name="Submit").click()

    run = started(house, deployed["id"])
    ended = house.finished(run)
    assert ended["parameters"]["budget_usd"] == 0.5
    page.goto(f"{address}/runs/flow-run/{run}")
    page.get_by_text("Promoted", exact=True).first.wait_for()
    page.get_by_text("Task Runs", exact=True).first.click()
    for stage in sorted(STAGES):
        page.get_by_text(f"{stage}-").first.wait_for()
    page.screenshot(path=tmp_path / "stages.png")
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("verdict-plain").first.click()
    page.get_by_text("It is the champion.").first.wait_for()
    page.screenshot(path=tmp_path / "verdict.png")
    assert {url for url in asked if not url.startswith((address, "blob:", "data:"))} == set()


def started(house: House, deployment: str) -> str:
    """The run that was just asked for, beside those that are scheduled."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        runs = house.api("flow_runs/filter", deployments={"id": {"any_": [deployment]}})
        for run in runs:
            if not run["auto_scheduled"]:
                return run["id"]
        time.sleep(1)
    raise AssertionError("the form started no run")


def test_up_again_leaves_what_runs_alone(house: House) -> None:
    said = house.command("up", "--file", "prefect.yaml")
    assert f"http://127.0.0.1:{house.port} (was up)" in said
    assert "worker: pool stillhouse (was up)" in said
    assert "automation: stillhouse promoted (was there)" in said
    wanted = yaml.safe_load((house.folder / "automations.yaml").read_text())["automations"]
    there = house.api("automations/filter", limit=200)
    own = [each["name"] for each in there if each["name"].startswith("stillhouse")]  # a trigger is one, too
    assert sorted(own) == sorted(each["name"] for each in wanted)
    elsewhere = house.command("up", "--file", "prefect.yaml", "--port", str(house.port + 1), fails=True)
    assert f"it is up at http://127.0.0.1:{house.port}" in elsewhere


def test_another_up_or_down_waits_for_the_one_at_work(store_root: Path) -> None:
    with place().alone():
        other = subprocess.Popen([sys.executable, "-m", "flows.cli", "down"], stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(5)
    assert other.wait(60) == 0


def test_a_project_that_was_not_deployed_is_refused(house: House) -> None:
    other = house.project.with_name("other.yaml")
    other.write_text(house.project.read_text().replace("name: small", "name: other"))
    assert "has no deployment distill/other" in house.command("run", str(other), "--remote", fails=True)


def test_a_file_of_the_same_name_as_another_that_is_deployed_is_refused(house: House) -> None:
    twin = house.project.with_name("twin.yaml")
    twin.write_text(house.project.read_text())
    refused = house.command("run", str(twin), "--remote", fails=True)
    assert f"distill/small runs {house.project}, not {twin}" in refused
    assert f"small is {house.project.name}, not {twin}" in house.command("deploy", str(twin), fails=True)


def test_a_port_that_is_taken_and_a_file_that_is_not_there_are_refused(house: House, tmp_path: Path) -> None:
    elsewhere = house._replace(environment=house.environment | {"STILLHOUSE_STORE": str(tmp_path)})
    taken = elsewhere.command("up", "--file", "prefect.yaml", "--port", str(house.port), fails=True)
    assert f"something else listens on port {house.port}" in taken
    assert "nowhere.yaml is not there" in elsewhere.command("up", "--file", "nowhere.yaml", fails=True)
    assert elsewhere.command("down").split("\n")[:2] == ["worker: was not up", "server: was not up"]
    assert "no Prefect server is known" in elsewhere.command("run", str(house.project), "--remote", fails=True)


def test_where_the_server_is_down_no_other_is_asked_instead(house: House, tmp_path: Path) -> None:
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "up.json").write_text(Up(url="http://127.0.0.1:9", processes={}).model_dump_json())
    down = house._replace(environment=house.environment | {"STILLHOUSE_STORE": str(tmp_path)})
    assert "http://127.0.0.1:9/api cannot be asked" in down.command("run", str(house.project), "--remote", fails=True)


@pytest.fixture
def watchful(house: House) -> Iterator[House]:
    """The house, where a run is given up after 35 seconds without a sign of life."""
    file = house.folder / "automations.yaml"
    shipped = file.read_text()
    file.write_text(shipped.replace("within: 1500", "within: 35"))
    house.command("automations", "--file", file.name)
    yield house
    file.write_text(shipped)
    house.command("automations", "--file", file.name)


def test_what_becomes_of_projects_and_a_run_whose_process_was_killed_is_told_with_a_link(
    watchful: House, told: Told
) -> None:
    """The killed one is Crashed once it was silent for longer than heartbeats are apart: 25 minutes, here 35 s."""
    environment = watchful.environment | {"PREFECT_API_URL": f"http://127.0.0.1:{watchful.port}/api"}
    command = [sys.executable, "-m", "tests.flows.told_run"]
    dying = subprocess.Popen([*command, "stays"], env=environment, stdout=subprocess.PIPE, text=True)
    assert dying.stdout
    killed = dying.stdout.readline().strip()
    signs = {"event": {"name": ["prefect.flow-run.heartbeat"]}, "resource": {"id": [f"prefect.flow-run.{killed}"]}}
    until = time.monotonic() + 60
    while not watchful.api("events/filter", filter=signs)["events"]:
        assert time.monotonic() < until, "the run gives no sign of life"
        time.sleep(0.5)
    dying.kill()
    dying.wait()
    dying.stdout.close()
    told_of = subprocess.run(
        [*command, str(watchful.project)], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    happened = dict(line.split() for line in told_of.stdout.splitlines())
    assert happened.keys() == {"rejected", "inconclusive", "over-budget", "failed", "drift"}
    page = f"http://127.0.0.1:{watchful.port}/runs/flow-run"
    for each, run in happened.items():
        assert told.once(f"small: stillhouse.{each}").endswith(f"what is said of {each}\n{page}/{run}")
    crashed = watchful.once(killed, "CRASHED")
    assert told.once(f"{crashed['name']}: crashed") == f"No sign of life for 25 minutes.\n{page}/{killed}"
