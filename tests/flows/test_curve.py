import logging
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from flows.console import curve_table
from flows.curve import curve
from flows.evidence.gathering import rebuild
from tasks.artifacts import Dataset
from tasks.caching import results_folder
from tasks.errors import ProjectError
from tasks.evidence import Evidence, LearningCurve
from tasks.registry import Registry
from tasks.store import Store
from tests.flows.small_project import Finished, run, settings, write

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def store(finished: Finished, store_root: Path) -> Path:
    """What the finished run left, moved to this test's store."""
    return shutil.copytree(finished.store, store_root)


def draw(project: Path, shares: str = "50,100") -> LearningCurve:
    file = curve.with_options(result_storage=results_folder())(project, shares)
    return LearningCurve.model_validate_json(file.read_bytes())


def evidence(folder: Path) -> Evidence:
    return Evidence.model_validate_json((folder / "evidence.json").read_text())


def test_a_curve_trains_the_shares_alone_and_the_next_run_shows_it(
    store: Path, finished: Finished, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO, "stillhouse")
    before = evidence(finished.folder)
    drawn = draw(finished.project, "25, 50,100")
    trained = [record.__dict__ for record in caplog.records if record.__dict__.get("finished") == "train"]
    assert [fields["cached"] for fields in trained] == [False, False, True]
    assert [each.share for each in drawn.shares] == [25, 50, 100]
    assert [each.rows for each in drawn.shares] == sorted({each.rows for each in drawn.shares})
    assert drawn.shares[-1].rows == before.training.rows
    own = {each.metric: each for each in before.scores.estimates if (each.system, each.part) == ("student", "holdout")}
    assert {each.metric for each in drawn.shares[0].estimates} == set(own)
    assert [entry.student.fingerprint for entry in Registry().history("small")] == [drawn.student]
    after = evidence(run(finished.project))
    assert after.learning_curve == drawn
    assert after.stages == before.stages
    assert drawn.words in rebuild(finished.folder).read_text()
    config = before.config | {"evaluate": before.config["evaluate"] | {"max_output_tokens": 7}}
    otherwise = before.model_copy(update={"config": config})
    (tmp_path / "evidence.json").write_text(otherwise.model_dump_json())
    assert drawn.words not in rebuild(tmp_path).read_text()
    assert_within(store, next(each.made["train"] for each in before.stages if each.stage == "split"))
    assert_readable(drawn)


def assert_within(store: Path, whole: str) -> None:
    """Each share is kept as a data set that was made from the whole, and its rows stand in the same order."""
    manifests = {name: Store().manifest(Dataset(fingerprint=name, rows=0)) for name in names(store / "datasets")}
    shares = [each for each in manifests.values() if each.made.stage == "curve"]
    assert [each.made.parents for each in shares] == [{"train": whole}] * 2
    order = ids(manifests[whole].handle)
    for share in shares:
        assert 0 < len(ids(share.handle)) < len(order)
        assert [id for id in order if id in set(ids(share.handle))] == ids(share.handle)


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def ids(handle: object) -> list[str]:
    return [row["id"] for row in Store().read_rows(Dataset.model_validate(handle))]


def assert_readable(drawn: LearningCurve) -> None:
    console = Console(width=140)
    with console.capture() as shown:
        console.print(curve_table(drawn))
    assert "intent (12 rows)" in shown.get()
    assert "length (12 rows)" in shown.get()
    assert f"100%, {drawn.shares[-1].rows} rows" in shown.get()


@pytest.mark.parametrize("shares", ["100", "0,100", "50,101", "half,100", "", "-5,100", "50,50"])
def test_what_is_no_curve_is_refused_before_any_work(store: Path, finished: Finished, shares: str) -> None:
    with pytest.raises(ProjectError, match=r"--shares: .* is no curve\. Give two or more whole percentages"):
        draw(finished.project, shares)


def test_a_project_whose_run_is_not_finished_has_no_curve(finished: Finished) -> None:
    with pytest.raises(ProjectError, match=r"small: its run is not finished as the project is now\. stillhouse run"):
        draw(finished.project)


def test_a_run_says_what_its_student_costs_and_prices_run_nothing_again(
    store: Path, finished: Finished, tiny_llama: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert "set economics.teacher_priced_as" in evidence(finished.folder).economics.words
    caplog.set_level(logging.INFO, "stillhouse")
    shutil.copytree(finished.project.parent, tmp_path / "priced")
    priced = {"teacher_priced_as": {"provider": "openai", "model": "gpt-5.2"}, "machine_usd_per_hour": 0.1}
    shown = evidence(run(write(tmp_path / "priced", settings(tiny_llama) | {"economics": priced})))
    assert [record for record in caplog.records if record.__dict__.get("cached") is False] == []
    costs = {each.system: each.usd_per_thousand for each in shown.economics.costs}
    teacher = next(each for each in shown.usage if each.system == "teacher")
    listed = (teacher.input_tokens * 1.75 + teacher.output_tokens * 14) / 1e3
    assert costs["teacher"] == pytest.approx(listed)
    assert shown.economics.teaching_usd == pytest.approx(listed * 60 / 1000)
    assert shown.economics.requests_to_pay is not None
    assert "as if bought at the listed price of openai gpt-5.2" in shown.economics.words
