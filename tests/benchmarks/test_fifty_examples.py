"""Fifty examples of one's own, from nothing to approved on a schedule: each command of deployments/README.md, timed."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "support"
EXAMPLES, PORT, SECONDS = 50, 4291, 1200
_ENDED = {"PAUSED", "COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_OUTCOMES = (0, 3)  # a check that doubts something ends with 3


def section() -> str:
    text = (ROOT / "deployments" / "README.md").read_text(encoding="utf-8")
    return text.partition("## Your own fifty examples")[2].partition("\n## ")[0]


def commands() -> list[list[str]]:
    """What is typed, in order, from `check` to `down`."""
    typed = re.findall(r"^    (?:\w+=\S+ )?stillhouse ([^#\n]+)", section(), re.MULTILINE)
    return [shlex.split(each) for each in typed]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project as that page has it, on replies that people approved."""
    asked = {row["id"]: row for row in map(json.loads, (DATA / "inputs.jsonl").read_text("utf-8").splitlines())}
    with (tmp_path / "examples.jsonl").open("w", encoding="utf-8") as file:
        for line in (DATA / "gold.jsonl").read_text("utf-8").splitlines()[:EXAMPLES]:
            approved = json.loads(line)
            reply = {"role": "assistant", "content": json.loads(approved["answer"])["reply"]}
            file.write(json.dumps({"messages": [*asked[approved["id"]]["messages"], reply]}) + "\n")
    (tmp_path / "prompt.md").write_text("You answer the inbox of a shop for outdoor kit, in 30 words at most.")
    (tmp_path / "mine.yaml").write_text(section().partition("```yaml\n")[2].partition("```")[0])
    return tmp_path


def test_fifty_examples(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = f"http://127.0.0.1:{PORT}/api"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "STILLHOUSE"))}
    environment = clean | {"PYTHONPATH": str(ROOT), "PREFECT_HOME": str(folder / "prefect")}
    spent: list[tuple[str, float]] = []

    def stillhouse(*arguments: str) -> str:
        began = time.monotonic()
        more = ["--port", str(PORT)] if arguments == ("up",) else []
        if spent and spent[-1][0] == "up":
            environment["PREFECT_API_URL"] = api
        command = [sys.executable, "-m", "flows.cli", *arguments, *more]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        spent.append((" ".join(arguments), time.monotonic() - began))
        assert done.returncode in _OUTCOMES, done.stdout + done.stderr
        return done.stdout

    def comes_to(run: str) -> str:
        began, state = time.monotonic(), ""
        while state not in _ENDED and time.monotonic() - began < SECONDS:
            time.sleep(1)
            with urlopen(f"{api}/flow_runs/{run}", timeout=60) as given:
                state = json.load(given)["state"]["type"]
        spent.append((f"until it is {state}", time.monotonic() - began))
        return state

    try:
        for arguments in commands():
            told = stillhouse(*arguments)
            if "--remote" in arguments:
                assert comes_to(told.strip().rpartition("/")[2]) == "PAUSED"
            if arguments[0] == "approve":
                assert "it is on stage" in told
    finally:
        if spent[-1][0] != "down":
            stillhouse("down")
    with capsys.disabled():
        print(f"\nload {os.getloadavg()[0]:.1f}")
        for words, seconds in spent:
            print(f"{seconds:7.1f} s  {words}")
        print(f"{sum(seconds for _, seconds in spent):7.1f} s  in all")
