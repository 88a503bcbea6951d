"""A project of sixty rows of the example that runs in seconds, its teacher's answers recorded under its own keys."""

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from flows.distill import distill
from flows.project import chosen, load
from tasks.caching import results_folder
from tasks.filter import read_gold
from tasks.models import Answer, Recorded, Request, recorded_line, request_key
from tasks.models.chat import prompted
from tasks.rows import Input
from tasks.teach import questions

SUPPORT = Path(__file__).parents[2] / "deployments" / "support.yaml"
PROMPT = "Answer as a shop, with a JSON object: intent, action and reply."
SLICES = ("gift", "abuse", "order_status", "exchange", "product_question")
ROWS_A_SLICE, GOLD_A_SLICE = 12, 3
MAX_OUTPUT_TOKENS = 50
FIELDS = [{"scorer": "fields", "name": "intent", "fields": ["intent"]}]
LENGTH = {"scorer": "words", "name": "length", "field": "reply", "at_most": 30}


class Finished(NamedTuple):
    """A run that went through: the project, the store that it filled, and the folder that it left."""

    project: Path
    store: Path
    folder: Path


def run(project: Path) -> Path:
    """Runs the pipeline in the store of the moment, which is another in each test."""
    return distill.with_options(result_storage=results_folder())(project)


@cache
def support() -> tuple[list[Input], dict[str, str], dict[str, Answer]]:
    """Sixty rows of the example, the approved answers to some of them, and the teacher's answers to all."""
    project = load(SUPPORT)
    gold = read_gold(project.filter)
    taken, approved = Counter[str](), Counter[str]()
    rows: list[Input] = []
    for row in chosen(project):
        name, is_gold = row["slice"], row["id"] in gold
        room = approved[name] < GOLD_A_SLICE if is_gold else taken[name] < ROWS_A_SLICE - GOLD_A_SLICE
        if name in SLICES and room:
            (approved if is_gold else taken)[name] += 1
            rows.append(row)
    given = project.teach.model.answer([each.request for each in questions(rows, project.teach)])
    answers = {rows[each.position]["id"]: each.answer for batch in given for each in batch}
    return rows, {row["id"]: gold[row["id"]] for row in rows if row["id"] in gold}, answers


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
        "filter": {
            "gold": "gold.jsonl",
            "rules": [{"rule": "answered"}, {"rule": "json_object"}, {"rule": "standard", "scorer": LENGTH}],
        },
        "split": {"holdout": "approved", "validation_fraction": 0.1, "unseen": ["gift"]},
        "train": {
            "trainer": "local",
            "base": str(base),
            "tuning": {"method": "full", "layers": 1},
            "epochs": 1,
            "learning_rate": 0.01,
            "batch_rows": 8,
            "max_tokens": 700,
            "seed": 1,
        },
        "evaluate": {
            "max_output_tokens": 6,
            "scorers": [*FIELDS, LENGTH],
            "few_shot": {"examples": [0, 1], "rows": 3},
            "failure_modes": {"forgetting": None, "perplexity": None},  # seconds each, and a tiny model knows nothing
        },
        "promote": {
            "rules": [{"metric": "intent", "versus": "base", "not_worse_by": 0.5}],
            "failure_modes": "report",  # a tiny model of random weights has them all
        },
    }


def build(folder: Path, base: Path) -> Path:
    """Writes the project's files into the folder, and returns its YAML."""
    rows, gold, answers = support()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompt.md").write_text(PROMPT)
    write_lines(folder / "inputs.jsonl", [json.dumps(row) for row in rows])
    write_lines(folder / "gold.jsonl", [json.dumps({"id": name, "answer": text}) for name, text in gold.items()])
    write_lines(folder / "answers.jsonl", [recorded_line(_key(row), answers[row["id"]]) for row in rows])
    return write(folder, settings(base))


def write(folder: Path, content: object) -> Path:
    """Writes the YAML, and returns its path."""
    (folder / "small.yaml").write_text(yaml.safe_dump(content))
    return folder / "small.yaml"


def write_lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _key(row: Input) -> str:
    request = Request(messages=prompted(PROMPT, row), max_output_tokens=MAX_OUTPUT_TOKENS)
    return request_key({"provider": "recorded", "model": Recorded.model_fields["model"].default}, request)
