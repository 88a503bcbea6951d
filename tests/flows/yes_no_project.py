"""A project that a tiny student really learns: bills are answered yes, and gifts, which come later, are answered no."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tasks.models import Answer, Recorded, Request, recorded_line, request_key
from tasks.models.chat import prompted
from tasks.rows import Input
from tests.flows.small_project import write_lines

PROMPT = "Answer yes to a bill, and no to a gift."
MAX_OUTPUT_TOKENS = 8
ANSWERS = {"bill": "yes", "gift": "no"}
BILLS, EVER = 70, 260


def a_row(kind: str, number: int) -> Input:
    """A row whose text is like no other's, but for its first word."""
    id = f"{kind}-{number}"
    said = f"{kind} {hashlib.sha256(id.encode()).hexdigest()[:10]}"
    return Input(id=id, messages=[{"role": "user", "content": said}], slice=kind, group=id)


def settings(base: Path) -> dict[str, Any]:
    """The project's YAML as a dict."""
    return {
        "name": "small",
        "sample": {"inputs": "inputs.jsonl"},
        "teach": {
            "model": {"provider": "recorded", "answers": "answers.jsonl"},
            "prompt": "prompt.md",
            "max_output_tokens": MAX_OUTPUT_TOKENS,
        },
        "filter": {"rules": [{"rule": "answered"}]},
        "split": {"holdout": 0.4, "validation_fraction": 0.1},
        "train": {
            "trainer": "local",
            "base": str(base),
            "tuning": {"method": "full"},
            "epochs": 5,
            "learning_rate": 0.01,
            "batch_rows": 8,
            "seed": 1,
        },
        "evaluate": {
            "max_output_tokens": 4,
            "scorers": [{"scorer": "exact"}],
            "few_shot": {"examples": [0], "rows": 3},
            "failure_modes": dict.fromkeys(
                [
                    "overfitting",
                    "memorisation",
                    "collapse",
                    "copying",
                    "forgetting",
                    "perplexity",
                    "robustness",
                    "calibration",
                    "unseen",
                ]
            ),
        },
        "promote": {
            "rules": [
                {"metric": "exact", "at_least": 0.6},
                {"metric": "exact", "versus": "champion", "not_worse_by": 0.1},
            ]
        },
        "monitor": {"rows": 24, "floor": 4, "new_rows": 20},
    }


def build(folder: Path, base: Path) -> Path:
    """Writes the project's files into the folder, and returns its YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompt.md").write_text(PROMPT)
    write_lines(folder / "inputs.jsonl", [json.dumps(a_row("bill", number)) for number in range(BILLS)])
    every = [a_row(kind, number) for kind in ANSWERS for number in range(EVER)]
    write_lines(folder / "answers.jsonl", [recorded_line(_key(row), _taught(row)) for row in every])
    return write(folder, settings(base))


def write(folder: Path, content: object) -> Path:
    """Writes the YAML, and returns its path."""
    (folder / "small.yaml").write_text(yaml.safe_dump(content))
    return folder / "small.yaml"


def traffic(path: Path, bills: Iterable[int], gifts: Iterable[int] = (), said: str = "yes") -> Path:
    """Writes a log in which the student said the same to everything; nothing where `said` is empty."""
    rows = [*(a_row("bill", number) for number in bills), *(a_row("gift", number) for number in gifts)]
    answer = [{"role": "assistant", "content": said}] if said else []
    write_lines(path, [json.dumps({**row, "messages": [*row["messages"], *answer]}) for row in rows])
    return path


def _key(row: Input) -> str:
    request = Request(messages=prompted(PROMPT, row), max_output_tokens=MAX_OUTPUT_TOKENS)
    return request_key({"provider": "recorded", "model": Recorded.model_fields["model"].default}, request)


def _taught(row: Input) -> Answer:
    return Answer(text=ANSWERS[row["slice"]], finish_reason="stop")
