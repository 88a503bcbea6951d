"""Fifty examples of one's own, from nothing to approved on a schedule: each command of deployments/README.md, timed."""

import json
import os
import re
import shlex
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.flows.house import House

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "support"
EXAMPLES, PORT, SECONDS = 50, 4291, 1200


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
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "STILLHOUSE"))}
    own = {"PYTHONPATH": str(ROOT), "PWD": str(folder), "PREFECT_HOME": str(folder / "prefect")}
    house = House(folder, folder / "mine.yaml", clean | own, PORT)
    spent: list[tuple[str, float]] = []

    def timed(words: str, done: Callable[[], Any]) -> Any:
        began = time.monotonic()
        given = done()
        spent.append((words, time.monotonic() - began))
        return given

    try:
        for words in commands():
            more = ["--port", str(PORT)] if words == ["up"] else []
            told = timed(" ".join(words), partial(house.command, *words, *more))
            if "--remote" in words:
                run = told.strip().rpartition("/")[2]
                timed("until it asks for approval", partial(house.once, run, "PAUSED", seconds=SECONDS))
            if words[0] == "approve":
                assert "it is on stage" in told
    finally:
        if "down" not in dict(spent):
            house.command("down")
    with capsys.disabled():
        print(f"\nload {os.getloadavg()[0]:.1f}")
        for words, seconds in spent:
            print(f"{seconds:7.1f} s  {words}")
        print(f"{sum(seconds for _, seconds in spent):7.1f} s  in all")
