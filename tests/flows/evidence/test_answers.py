import csv
from pathlib import Path

import pytest

from flows.evidence.answers import write_answers
from tasks.errors import StoreError
from tasks.evidence import StageRecord
from tests.flows.evidence.test_comparisons import kept, scored, written
from tests.tasks.report.runs import evidence


def stage(name: str, **made: str) -> StageRecord:
    return StageRecord(stage=name, version="1", rows_in=0, outcomes={}, seconds=0, made=made)


def test_every_row_stands_there_once_with_all_answers_and_scores_and_no_formula_runs(tmp_path: Path) -> None:
    answers = [
        scored("a", "teacher", 1.0, text="=1+1"),
        scored("b", "teacher", None, part="unseen", text="x" * 50_000),
        scored("a", "student", 0.25, text="\x00right, “quoted”\r\nnext"),
        scored("b", "student", 0.0, part="unseen", text="", error="-cut off"),
    ]
    dataset, parts = written(answers, [kept("a")], [kept("b")])
    made = {"holdout": parts.holdout.fingerprint, "unseen": parts.unseen.fingerprint}
    shown = evidence(stages=[stage("split", **made), stage("evaluate", answers=dataset.fingerprint)])
    path = tmp_path / "rows.csv"
    assert write_answers(shown, path) == 2
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["asked"], first["teacher"], first["teacher: intent"]) == ("asked a", "'=1+1", "1")
    assert (first["student"], first["student: intent"]) == ("\\u0000right, “quoted”\nnext", "0.25")
    assert (second["part"], second["teacher"], second["teacher: intent"]) == ("unseen", "x" * 50_000, "")
    assert (second["student: error"], second["student: intent"], second["approved"]) == ("'-cut off", "0", "no")


def test_answers_that_are_gone_are_told(tmp_path: Path) -> None:
    gone = evidence(stages=[stage("evaluate", answers="0" * 64)])
    with pytest.raises(StoreError, match="Run the project again"):
        write_answers(gone, tmp_path / "rows.csv")
    with pytest.raises(StoreError, match="names no answers of evaluate"):
        write_answers(evidence(stages=[]), tmp_path / "rows.csv")
