import json
import shutil
from pathlib import Path

import pytest

from flows.versions.lineage import lineage, training_rows
from tasks.artifacts import Dataset, Made, Student
from tasks.errors import StoreError
from tasks.filter import FilterConfig, filter
from tasks.models import Answer, Budget, Ledger, Recorded, recorded_line, request_key
from tasks.reviews import Review, Reviews, row_key
from tasks.rows import Input, Kept, Message
from tasks.split import HeldBefore, SplitConfig, split
from tasks.store import Store
from tasks.teach import TeachConfig, questions, teach

BUDGET = Budget(project="shop", run="one")
SAID = ["Where is it?", "The zip broke.", "Is it waterproof?", "Cancel it.", "A tent, please.", "Which size?"]


def row(number: int) -> Input:
    return Input(id=f"r{number}", messages=[Message(role="user", content=SAID[number])], slice="s", group=f"g{number}")


@pytest.fixture
def student(tmp_path: Path) -> Student:
    """Six rows, each answered twice; one approved by gold, one corrected in a review, and one first answer dropped."""
    folder = {"folder": tmp_path}
    (tmp_path / "prompt.md").write_text("Answer shortly.")
    (tmp_path / "gold.jsonl").write_text(json.dumps({"id": "r1", "answer": "gold"}) + "\n")
    (tmp_path / "answers.jsonl").touch()
    rows = [row(number) for number in range(len(SAID))]
    config = {"model": {"provider": "recorded", "answers": "answers.jsonl"}, "prompt": "prompt.md", "samples": 2}
    asked = list(questions(rows, TeachConfig.model_validate(config, context=folder)))
    identity = {"provider": "recorded", "model": Recorded.model_fields["model"].default}
    (tmp_path / "answers.jsonl").write_text(
        "".join(
            recorded_line(
                request_key(identity, each.request),
                Answer(
                    text="" if (each.row, each.request.sample) == ("r2", 0) else f"{each.row} {each.request.sample}"
                ),
            )
            + "\n"
            for each in asked
        )
    )
    made = Made(stage="sample", version="1", config={}, parents={"inputs": "a" * 64})
    inputs = Store().write_rows(rows, Input, made)
    outputs = teach.fn(TeachConfig.model_validate(config, context=folder), inputs, BUDGET).outputs
    Reviews().add("shop", [Review(row_key(rows[3]), "r3", "correct", "by hand", "too curt", True)], "ada")
    filtering = FilterConfig.model_validate({"rules": [{"rule": "answered"}], "gold": "gold.jsonl"}, context=folder)
    kept = filter.fn(filtering, outputs, BUDGET, Reviews().reviewed("shop")).kept
    parts = split.fn(SplitConfig(holdout=1, floor=0, salt="2"), kept, HeldBefore(project="shop"))
    trained = {"train": parts.train.fingerprint, "validation": parts.validation.fingerprint}
    told = Made(stage="train", version="1", config={}, parents=trained)
    return Store().write_folder(Student, lambda folder: (folder / "student.json").touch(), told)


def test_every_training_row_leads_to_the_answer_that_it_taught(student: Student) -> None:
    rows = {each.id: each for each in training_rows("shop", student)}
    assert len(rows) == len(SAID) - 1
    for id, each in rows.items():
        if id == "r1":
            assert (each.answer_from, each.completion) == ("gold", "gold")
            assert each.gold
        elif id == "r3":
            assert (each.answer_from, each.reviewer, each.decision, each.note) == (
                "review",
                "ada",
                "correct",
                "too curt",
            )
        else:
            assert each.answer_from == "teacher"
            assert each.sample == (1 if id == "r2" else 0)
            assert Ledger().find([each.request_key])[each.request_key].text == each.completion
    assert {"r1", "r2", "r3"} <= set(rows)


def test_the_tree_leads_from_the_student_to_what_the_user_brought(student: Student) -> None:
    lines = list(lineage(student).lines())
    names = [line.split()[0] for line in lines]
    assert names[:3] == ["student", "train", "kept"]
    assert {"outputs", "answers", "dropped", "gold", "reviews", "inputs", "prompt", "validation"} <= set(names)
    assert lines[0].endswith("by train (version 1)")
    assert any("kept" in line and line.endswith("made as above") for line in lines)


def test_what_is_gone_from_the_store_is_named(student: Student) -> None:
    train = Store().manifest(student).made.parents["train"]
    shutil.rmtree(Store().path(Dataset(fingerprint=train, rows=0)))
    with pytest.raises(StoreError, match=train):
        list(training_rows("shop", student))


def test_rows_of_a_review_are_told_even_where_the_gold_file_has_the_row(student: Student) -> None:
    """The review wins over the gold file, and so does its name."""
    kept = Store().manifest(student).made.parents["train"]
    handle = Dataset.model_validate(Store().manifest(Dataset(fingerprint=kept, rows=0)).handle)
    row: Kept = next(each for each in Store().read_rows(handle) if each["id"] == "r1")
    Reviews().add("shop", [Review(row_key(row), "r1", "approve", "gold", "", True)], "bob")
    assert next(each for each in training_rows("shop", student) if each.id == "r1").reviewer == "bob"
