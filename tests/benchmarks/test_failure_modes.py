"""Every failure mode on students made to have it, and on a healthy one: from the example's base, inputs and recipe.

One learned 30 rows to death, one a single answer to all, one until it forgot, and one as the example is meant. Each
must fire what it was made for, and the healthy one nothing. BENCH_STUDENTS names those to make, all where not set.
"""

import os
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.project import load as load_project
from tasks.artifacts import Made, Student
from tasks.failure_modes import FailureModes, examine
from tasks.filter import filter
from tasks.models import Hand
from tasks.rows import Kept
from tasks.sample import sample
from tasks.split import HeldBefore, split
from tasks.store import Store
from tasks.systems import System, Systems
from tasks.teach import teach
from tasks.trainers import load_student
from tasks.trainers.tuning import Full
from tests.benchmarks.test_curation import labels

ROOT = Path(__file__).parents[2]
TEMPLATE = (
    '{"intent": "refund_request", "action": "ask_order_number", '
    '"reply": "Thank you for writing. We will look into it at once. – Fern"}'
)
TO_DEATH: dict[str, Any] = {"epochs": 20, "learning_rate": 1e-3, "whole_answers": 1.0, "max_tokens": 160}
ONE_ANSWER: dict[str, Any] = {"epochs": 3, "learning_rate": 1e-3, "whole_answers": 1.0}
UNTIL_IT_FORGETS: dict[str, Any] = {"tuning": Full(method="full"), "epochs": 3, "learning_rate": 3e-3}
MADE_FOR = {
    "dead": {"overfitting", "memorisation"},
    "template": {"collapse"},
    "forgetful": {"forgetting", "perplexity"},
    "healthy": set[str](),
}
STUDENTS = os.environ.get("BENCH_STUDENTS", " ".join(MADE_FOR)).split()


class Rows(NamedTuple):
    """The example's rows: all to learn from, some of them drawn, and some held out to judge by."""

    learned: list[Kept]
    drawn: list[Kept]
    held: list[Kept]
    unseen: list[Kept]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    os.environ["STILLHOUSE_STORE"] = str(tmp_path_factory.mktemp("store"))
    project = load_project(ROOT / "deployments" / "support.yaml")
    outputs = teach.fn(project.teach, sample.fn(project.sample).inputs, project.budget("bench")).outputs
    kept = filter.fn(project.filter, outputs, project.budget("bench")).kept
    parts = split.fn(project.split, kept, HeldBefore(project="bench"))
    learned, held, unseen = (list(Store().read_rows(part)) for part in (parts.train, parts.holdout, parts.unseen))
    return Rows(learned, random.Random(0).sample(learned, 600), random.Random(1).sample(held, 60), unseen[:30])


def lesson(name: str, rows: Rows) -> tuple[list[Kept], dict[str, Any]]:
    """What a student learns from, and how else than the example's."""
    match name:
        case "dead":
            return rows.drawn[:30], TO_DEATH
        case "template":
            return [Kept(**row | {"completion": TEMPLATE}) for row in rows.drawn[:60]], ONE_ANSWER
        case "forgetful":
            return [
                Kept(**row | {"completion": labels(row["completion"])}) for row in rows.drawn[:120]
            ], UNTIL_IT_FORGETS
        case _:
            return rows.learned, {}


@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_fires_what_it_was_made_for_and_a_healthy_one_nothing(name: str, rows: Rows) -> None:
    project = load_project(ROOT / "deployments" / "support.yaml")
    learned, changes = lesson(name, rows)
    made = Made(stage="train", version="bench", config={"student": name}, parents={})
    taught = project.train.model_copy(update=changes).learn(learned, [])
    student, prompt = load_student(Store().write_folder(Student, taught.save, made))
    asked, longest = project.teach, project.evaluate.max_output_tokens
    limits = asked.max_output_tokens, asked.temperature, asked.schema_asked_for
    each = [
        System("teacher", asked.model, asked.prompt.text(), *limits),
        System("base", project.train.base_model(), "", 32),
        System("student", student, prompt, longest),
    ]
    systems = Systems(each, project.evaluate.scorers, Hand("evaluate", project.budget("bench")))
    parts = {"holdout": rows.held, "unseen": rows.unseen}
    scored = [
        scored
        for system in systems
        for scored in systems.scored(system.name, {"unseen": rows.unseen} if system.name == "base" else parts)
    ]
    found = examine(FailureModes(), systems, learned, rows.held, rows.unseen, scored)
    print(f"\n{name}: {len(learned)} rows, {taught.training.seconds:.0f} s of training")
    for mode in found:
        print(f"{mode.mode:<12} {mode.fires:<9} {mode.words}", flush=True)
    fired = {mode.mode for mode in found if mode.fires == "yes"}
    assert fired >= MADE_FOR[name]
    assert fired == set() or name != "healthy"
