"""The Prefect UI in a real browser: the deployment's form starts a run, and the run's page shows what came of it.

Pictures of what was seen lie in the test's folder. Nothing outside this machine is asked for.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.flows.house import House, opened
from tests.flows.small_project import build
from tests.postgres import Server
from tests.tasks.report.test_browser import chromium

__all__ = ["chromium"]  # a fixture that lives beside the report's own test

_SECONDS = 240
STAGES = ("sample", "teach", "filter", "split", "train", "evaluate", "promote")


@pytest.fixture(scope="module")
def house(
    chromium: Any, tiny_llama: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """The small project up with its deployment; without a browser nothing is started."""
    folder = tmp_path_factory.mktemp("house")
    with opened(folder, postgres, build(folder, tiny_llama)) as house:
        yield house


def test_the_form_starts_a_run_and_its_page_shows_stages_and_verdict(
    house: House, chromium: Any, tmp_path: Path
) -> None:
    [deployed] = house.api("deployments/filter", deployments={"name": {"any_": ["small"]}})
    address = f"http://127.0.0.1:{house.port}"
    page = chromium.new_page(viewport={"width": 1280, "height": 1400})
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
    for stage in STAGES:
        page.get_by_text(f"{stage}-").first.wait_for()
    page.screenshot(path=tmp_path / "stages.png")
    page.get_by_text("Artifacts", exact=True).first.click()
    page.get_by_text("verdict-small").first.click()
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
