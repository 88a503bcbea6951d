"""kill -9 in the middle of each stage, one run after the other on one store; the last run goes through."""

import multiprocessing
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from flows.evidence.gathering import STAGES
from tasks.evidence import Evidence
from tasks.registry import Registry
from tasks.store import Store
from tests.flows.slow_run import Order, main
from tests.flows.small_project import Finished


class Resumed(NamedTuple):
    """What was left when each run but the last had been killed."""

    store: Path
    folder: Path
    asked: list[Counter[str]]


@pytest.fixture(scope="module")
def resumed(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Resumed:
    from prefect.settings import get_current_settings

    place = tmp_path_factory.mktemp("resumed")
    server = str(get_current_settings().api.url)
    asked: list[Counter[str]] = []
    for stage in (*STAGES, ""):
        file = place / f"asked-{stage}"
        said = _run(Order(finished.project, server, place / "store", file, stage))
        asked.append(Counter(file.read_text().split() if file.exists() else []))
        assert (said == "holding") == bool(stage), f"{stage}: {said}"
    return Resumed(place / "store", Path(said), asked)


def _run(order: Order) -> str:
    """What the process says first; then it is killed. What each would import is imported once, and forked."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.flows.slow_run", "tasks.models.growing", "peft", "scipy.stats"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=main, args=(order, there))
    process.start()
    there.close()
    said = str(here.recv())
    process.kill()
    process.join()
    process.close()
    here.close()
    return said


def evidence(folder: Path) -> Evidence:
    return Evidence.model_validate_json((folder / "evidence.json").read_text())


def weights(store: Path, folder: Path) -> bytes:
    stages = {record.stage: record for record in evidence(folder).stages}
    return (store / "students" / stages["train"].made["student"] / "model.safetensors").read_bytes()


def test_the_student_is_that_of_a_run_without_a_fault(resumed: Resumed, finished: Finished) -> None:
    assert weights(resumed.store, resumed.folder) == weights(finished.store, finished.folder)


def test_the_students_fingerprint_is_that_of_a_run_without_a_fault(resumed: Resumed, finished: Finished) -> None:
    students = [each.made for folder in (resumed.folder, finished.folder) for each in evidence(folder).stages]
    assert len({made["student"] for made in students if "student" in made}) == 1


def test_the_scores_are_those_of_a_run_without_a_fault(resumed: Resumed, finished: Finished) -> None:
    after, without = evidence(resumed.folder), evidence(finished.folder)
    assert after.scores == without.scores
    assert (after.verdict, after.reasons, after.dropped) == (without.verdict, without.reasons, without.dropped)
    assert [each.outcomes for each in after.stages] == [each.outcomes for each in without.stages]
    assert [each.answers for each in after.comparisons] == [each.answers for each in without.comparisons]


def test_the_data_sets_are_those_of_a_run_without_a_fault(resumed: Resumed, finished: Finished) -> None:
    for stage in range(4):
        assert evidence(resumed.folder).stages[stage].made == evidence(finished.folder).stages[stage].made


def test_the_teacher_is_asked_for_nothing_twice(resumed: Resumed) -> None:
    runs = dict(zip((*STAGES, ""), resumed.asked, strict=True))
    assert sum(resumed.asked, Counter[str]()).most_common(1)[0][1] == 1
    assert 0 < runs["teach"].total() < 60
    assert runs["teach"].total() + runs["filter"].total() == 60
    assert all(not runs[stage] for stage in runs if stage not in {"teach", "filter"})


def test_one_student_is_entered_once(resumed: Resumed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLHOUSE_STORE", str(resumed.store))
    [entry] = Registry().history("small")
    assert entry.version == 1
    assert Store().intact(entry.student)


def test_nothing_half_written_is_left(resumed: Resumed) -> None:
    assert not list(resumed.store.glob("writing-*"))
