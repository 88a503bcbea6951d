"""The loop on a real server and worker: audits, a drift, an event, an automation's run, the gate, a new champion."""

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.house import House
from tests.flows.yes_no_project import BILLS, traffic

WEEK = 7 * 24 * 3600.0
_AUDIT = """
import sys
from datetime import datetime, UTC
from pathlib import Path
from flows.monitor import monitor
for log, at in zip(sys.argv[2::2], sys.argv[3::2]):
    folder = monitor(Path(sys.argv[1]), log, at=datetime.fromtimestamp(float(at), UTC))
    print((folder / "monitor.json").read_text())
    print("---")
"""


@pytest.fixture
def house(house: House) -> House:
    """Of the project that drifts; what is called here speaks to the house's server."""
    api = {"PREFECT_API_URL": f"http://127.0.0.1:{house.port}/api"}
    return house.of("drifting")._replace(environment=house.environment | api)


def week(number: int) -> float:
    return time.time() - (12 - number) * WEEK


def went_on_stage(house: House, at: float) -> None:
    with sqlite3.connect(house.folder / "store" / "registry.sqlite") as registry:
        registry.execute("UPDATE moves SET moved_at = ? WHERE project = 'drifting'", (at,))
    registry.close()


def audited(house: House, *weeks: tuple[Path, float]) -> list[dict[str, Any]]:
    """What an audit of each week's log says, in one process."""
    logs = [text for log, at in weeks for text in (str(log), str(at))]
    command = [sys.executable, "-c", _AUDIT, str(house.project), *logs]
    done = subprocess.run(command, cwd=house.folder, env=house.environment, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return [json.loads(each) for each in done.stdout.split("---\n") if each.strip()]


def runs(house: House) -> list[dict[str, Any]]:
    """The runs of the project's deployment that somebody or something asked for, the oldest first."""
    every = house.api("flow_runs/filter", deployments={"name": {"any_": ["drifting"]}}, sort="EXPECTED_START_TIME_ASC")
    return [run for run in every if not run["auto_scheduled"]]


def asked_for(house: House, count: int) -> dict[str, Any]:
    """The run that the automation asked for, once it has ended."""
    until = time.monotonic() + 120
    while len(found := runs(house)) < count:
        assert time.monotonic() < until, "no run was asked for"
        time.sleep(1)
    return house.finished(found[-1]["id"])


def on_stage(house: House) -> str:
    [line] = house.champions()
    return line.split()[0]


def test_a_drift_brings_a_new_champion_and_a_worse_student_none(house: House) -> None:
    house.command("run", str(house.project))
    assert on_stage(house) == "v1"
    went_on_stage(house, week(0))
    bills = [range(BILLS + 30 * number, BILLS + 30 * (number + 1)) for number in range(3)]
    logs = [traffic(house.folder / f"week-{number}.jsonl", own) for number, own in enumerate(bills)]
    quiet = audited(house, *((log, week(number + 1)) for number, log in enumerate(logs)))
    assert [each["state"] for each in quiet] == ["healthy"] * 3
    assert runs(house) == []

    drifted = traffic(house.folder / "week-3.jsonl", range(200, 210), range(60))
    [found] = audited(house, (drifted, week(4)))
    assert found["state"] == "retrain", found["reasons"]
    run = asked_for(house, 1)
    assert run["created_by"]["type"] == "AUTOMATION"
    assert on_stage(house) == "v2", run["state"]
    latest = house.folder / "store" / "runs" / "drifting"
    evidence = json.loads((latest / (latest / "latest").read_text() / "evidence.json").read_text())
    [sampled] = [each for each in evidence["stages"] if each["stage"] == "sample"]
    assert sampled["outcomes"]["gathered"] == found["gathered"] > 3 * 24

    went_on_stage(house, week(0))
    content = yaml.safe_load(house.project.read_text())
    content["train"] |= {"learning_rate": 1e-9, "epochs": 1}
    house.project.write_text(yaml.safe_dump(content))
    wrong = traffic(house.folder / "week-4.jsonl", range(210, 240), range(60, 90), said="perhaps")
    [found] = audited(house, (wrong, week(5)))
    assert found["state"] == "retrain", found["reasons"]
    asked_for(house, 2)
    assert on_stage(house) == "v2"
    assert "v3" in house.command("history", str(house.project))
