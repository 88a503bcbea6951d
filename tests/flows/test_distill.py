import json
import logging
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prefect import Task
from prefect.client.orchestration import get_client

from flows.distill import Given, Params, pipeline, settle
from flows.evidence.gathering import STAGES, rebuild
from flows.evidence.runs import read_evidence, run_folder
from flows.planning.plan import plan
from flows.project import load
from tasks.artifacts import Student
from tasks.caching import finished as what_finished
from tasks.errors import StageFailed, StoreError
from tasks.evidence import Evidence
from tasks.models import Ledger, Request
from tasks.registry import Registry
from tasks.rows import Message
from tasks.sample import sample
from tasks.teach import teach
from tasks.trainers import load_student
from tests.flows.small_project import LENGTH, Finished, run, settings, write
from tests.tasks.students import student as toy_student

KEYS = {
    "verdict-small": "markdown",
    "scores-small": "table",
    "funnel-small": "table",
    "stages-small": "table",
}

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def store(finished: Finished, store_root: Path) -> Path:
    """What the finished run left, moved to this test's store."""
    return shutil.copytree(finished.store, store_root)


@pytest.fixture
def ran(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "stillhouse")
    return caplog


def done(ran: pytest.LogCaptureFixture) -> list[str]:
    """The stages that were not cached, in their order."""
    said = [record.__dict__ for record in ran.records if "finished" in record.__dict__]
    assert said
    return [fields["finished"] for fields in said if not fields["cached"]]


def evidence(folder: Path) -> Evidence:
    return Evidence.model_validate_json((folder / "evidence.json").read_text())


def student(folder: Path) -> Student:
    return Student(fingerprint=made(folder, "train", "student"))


def made(folder: Path, stage: str, field: str) -> str:
    return next(each.made[field] for each in evidence(folder).stages if each.stage == stage)


def changed(finished: Finished, folder: Path, tiny_llama: Path, **stages: dict[str, Any]) -> Path:
    """A copy of the project in which settings of some stages are others."""
    shutil.copytree(finished.project.parent, folder)
    given = settings(tiny_llama)
    return write(folder, given | {name: given[name] | changes for name, changes in stages.items()})


def test_a_run_leaves_evidence_and_a_report(finished: Finished) -> None:
    shown = evidence(finished.folder)
    assert finished.folder.parent == finished.store / "runs" / "small"
    assert (shown.project, shown.version) == ("small", 1)
    assert shown.reasons[0].words.startswith("intent must be not worse than base")
    assert {each.mode for each in shown.failure_modes} >= {"collapse", "calibration"}
    assert [record.stage for record in shown.stages] == list(STAGES)
    assert {estimate.system for estimate in shown.scores.estimates} == {"teacher", "base", "student"}
    assert "small" in (finished.folder / "report.html").read_text()


def test_every_row_is_accounted_for_from_stage_to_stage(finished: Finished) -> None:
    stages = {record.stage: record for record in evidence(finished.folder).stages}
    assert all(record.rows_in == sum(record.outcomes.values()) for record in stages.values())
    kept = sum(stages["filter"].outcomes.get(name, 0) for name in ("kept", "repaired", "approved"))
    parts = stages["split"].outcomes
    assert stages["sample"].rows_in == 60
    assert stages["sample"].outcomes["picked"] == stages["teach"].rows_in == stages["filter"].rows_in
    assert stages["split"].rows_in == kept < 60
    assert stages["train"].rows_in == parts["train"] + parts["validation"]
    assert stages["evaluate"].rows_in == 3 * (parts["holdout"] + parts["unseen"])


def test_the_funnel_agrees_with_the_stages_and_shows_every_reason_in_every_slice(finished: Finished) -> None:
    shown = evidence(finished.folder)
    for record in shown.stages[:4]:
        told = {each.outcome: sum(each.slices.values()) for each in shown.funnel if each.stage == record.stage}
        assert told == {name: count for name, count in record.outcomes.items() if count}
    left = {(each.stage, each.outcome, name) for each in shown.funnel if each.leaves for name in each.slices}
    assert left
    assert {(each.stage, each.reason, each.slice) for each in shown.dropped} == left
    assert max(Counter((each.stage, each.reason, each.slice) for each in shown.dropped).values()) <= 3


def test_the_gold_file_says_how_often_the_teacher_is_wrong(finished: Finished) -> None:
    errors = evidence(finished.folder).people.teacher_errors
    assert {each.metric for each in errors} == {"whole answer", "intent", "action", "reply"}
    assert {each.part for each in errors} == {"gold"}
    assert all(each.low <= each.mean <= each.high for each in errors)
    assert {each.n for each in errors if each.slice == "all"} == {15}


def test_the_student_is_in_the_registry_and_answers(store: Path, finished: Finished) -> None:
    [entry] = Registry().history("small")
    assert (entry.version, entry.student) == (1, student(finished.folder))
    assert (Registry().champion("small") == entry.student) == (entry.verdict == "promote")
    request = Request(messages=[Message(role="user", content="Where is my tent?")], max_output_tokens=4)
    [[answered]] = load_student(entry.student).model.answer([request])
    assert not answered.answer.error


def test_every_paid_answer_is_in_the_ledger(store: Path) -> None:
    assert sum('"model": "support-teacher"' in line for line in Ledger().lines()) == 60


def test_a_second_run_does_nothing_even_where_the_store_was_moved(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture
) -> None:
    folder = run(finished.project)
    assert done(ran) == []
    assert [record.getMessage().endswith("(cached)") for record in ran.records if "finished" in record.__dict__] == [
        True
    ] * 7
    assert folder.name == finished.folder.name
    assert (folder / "evidence.json").read_bytes() == (finished.folder / "evidence.json").read_bytes()
    assert len(Registry().history("small")) == 1


def test_a_plan_says_what_a_run_would_do(store: Path, finished: Finished, tmp_path: Path, tiny_llama: Path) -> None:
    planned = plan(load(finished.project))
    assert [(each.stage, each.cached) for each in planned] == [(name, True) for name in STAGES]
    shorter = {"rules": [{"rule": "standard", "scorer": LENGTH | {"at_most": 15}}]}
    planned = plan(load(changed(finished, tmp_path / "changed", tiny_llama, filter=shorter)))
    assert [each.stage for each in planned if each.cached] == ["sample", "teach"]
    shutil.rmtree(store)
    planned = plan(load(finished.project))
    assert [each.stage for each in planned if not each.cached] == list(STAGES)
    assert planned[1].words.startswith("60 of 60 requests to ask")


def test_another_filter_is_another_run_from_there_on(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture, tmp_path: Path, tiny_llama: Path
) -> None:
    rules = [*settings(tiny_llama)["filter"]["rules"], {"rule": "standard", "scorer": LENGTH | {"at_most": 20}}]
    folder = run(changed(finished, tmp_path / "changed", tiny_llama, filter={"rules": rules}))
    assert done(ran) == ["filter", "split", "train", "evaluate", "promote"]
    assert student(folder) != student(finished.folder)
    assert [entry.version for entry in Registry().history("small")] == [1, 2]


def test_another_gate_asks_and_trains_nothing(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture, tmp_path: Path, tiny_llama: Path
) -> None:
    rules = [{"metric": "intent", "at_least": 0.99}]
    folder = run(changed(finished, tmp_path / "changed", tiny_llama, promote={"rules": rules}))
    assert done(ran) == ["promote"]
    assert evidence(folder).verdict == "reject"


@pytest.mark.parametrize(
    ("stage", "field"), [("sample", "inputs"), ("teach", "outputs"), ("filter", "kept"), ("split", "train")]
)
def test_a_data_set_that_was_deleted_is_made_again_and_nothing_else_is(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture, stage: str, field: str
) -> None:
    folder = store / "datasets" / made(finished.folder, stage, field)
    shutil.rmtree(folder)
    run(finished.project)
    assert done(ran) == [stage]
    assert folder.is_dir()


def test_a_student_that_was_changed_is_trained_again(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture
) -> None:
    weights = store / "students" / student(finished.folder).fingerprint / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-4] + b"\0\0\0\1")
    folder = run(finished.project)
    assert done(ran)[0] == "train"
    again = store / "students" / student(folder).fingerprint / "model.safetensors"
    assert again.read_bytes() == whole


def test_a_student_trained_again_is_the_same_and_is_not_judged_again(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(store / "students")
    assert student(run(finished.project)) == student(finished.folder)
    assert done(ran) == ["train"]


def test_a_ledger_that_was_kept_pays_for_everything_that_was_lost(
    store: Path, finished: Finished, ran: pytest.LogCaptureFixture
) -> None:
    for name in ("datasets", "keys", "results"):
        shutil.rmtree(store / name)
    folder = run(finished.project)
    assert done(ran)[:4] == ["sample", "teach", "filter", "split"]
    assert made(folder, "teach", "outputs") == made(finished.folder, "teach", "outputs")
    project = load(finished.project)
    sampled = what_finished(sample, project.sample)
    assert sampled
    taught = what_finished(teach, project.teach, sampled.inputs)
    assert taught
    assert taught.asked == 0


def test_a_stage_that_fails_fails_the_run_and_keeps_what_was_done(
    finished: Finished, ran: pytest.LogCaptureFixture, tmp_path: Path, tiny_llama: Path
) -> None:
    strict = {"rules": [{"rule": "standard", "scorer": LENGTH | {"at_most": 1}}], "gold": None}
    with pytest.raises(StageFailed, match=r"filter: nothing is left of 60 rows"):
        run(changed(finished, tmp_path / "changed", tiny_llama, filter=strict, split={"holdout": 0.3}))
    assert done(ran) == ["sample", "teach"]
    stopped = run_folder("small")
    assert [path.name for path in sorted(stopped.iterdir())] == ["report.html", "stopped.json"]
    page = rebuild(stopped).read_text()
    assert "Stopped in filter: no student was judged." in page
    assert "nothing is left of 60 rows" in page
    with pytest.raises(StoreError, match="the run stopped before a student was judged"):
        read_evidence(stopped)
    ran.clear()
    assert run(finished.project) == run_folder("small") == run_folder("small", 1)
    assert done(ran) == ["filter", "split", "train", "evaluate", "promote"]
    assert not stopped.exists()
    with pytest.raises(StoreError, match="small version 7 has no evidence"):
        run_folder("small", 7)


def test_a_report_that_is_written_anew_says_who_is_on_stage_now(
    store: Path, finished: Finished, tmp_path: Path
) -> None:
    shutil.copy(finished.folder / "evidence.json", tmp_path)
    assert "It is the champion." in rebuild(tmp_path).read_text()
    Registry().rollback("small")
    assert "It is not the champion." in rebuild(tmp_path).read_text()


def test_the_prefect_ui_shows_the_verdict_the_scores_and_where_the_report_lies(finished: Finished) -> None:
    shown = evidence(finished.folder)
    with get_client(sync_client=True) as client:
        told = [each for each in client.read_artifacts(limit=200) if each.key in KEYS]
    [run, *_] = [each.flow_run_id for each in told if finished.folder.name in str(each.data)]
    found = {each.key: each for each in told if each.flow_run_id == run}
    assert {key: each.type for key, each in found.items()} == KEYS
    assert str(found["verdict-small"].data).startswith(f"# {shown.verdict.capitalize()}: small version 1")
    assert [row["stage"] for row in json.loads(str(found["stages-small"].data))] == list(STAGES)
    assert {row["stage"] for row in json.loads(str(found["funnel-small"].data))} == set(STAGES[:4])
    [row, _] = json.loads(str(found["scores-small"].data))
    assert set(row) == {"metric", "rows", "teacher", "base", "student"}
    assert "report.html" in str(found["verdict-small"].data)


def settled(project: Path, overtaken: bool = False) -> Path:
    """The run's last steps, from stages that are all cached."""

    def cached(stage: Task[Params, Given], *args: Params.args, **kwargs: Params.kwargs) -> Given:
        result = what_finished(stage, *args, **kwargs)
        assert result is not None
        return result

    loaded = load(project)
    distilled = pipeline(loaded, cached, loaded.budget("settled"))
    if overtaken:
        Registry().enter("small", toy_student(1), None, "promote")
    return settle(loaded, distilled)


def test_a_student_judged_before_another_went_on_stage_does_not_take_its_place(store: Path, finished: Finished) -> None:
    (store / "registry.sqlite").unlink()
    assert not evidence(settled(finished.project, overtaken=True)).on_stage
    assert Registry().champion("small") == toy_student(1)
    assert [each.verdict for each in Registry().history("small")] == ["promote", "promote"]


def test_what_a_run_that_was_killed_after_the_promotion_left_undone_the_next_one_does(
    store: Path, finished: Finished
) -> None:
    shutil.rmtree(store / "runs")
    folder = settled(finished.project)
    assert (folder / "evidence.json").read_bytes() == (finished.folder / "evidence.json").read_bytes()
    assert len(Registry().moves("small")) == 1
