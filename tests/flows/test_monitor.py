"""The audit of a promoted student, week by week: what is found, recorded once, gathered and asked for; and bad days."""

import json
import shutil
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli import app
from flows.look import look
from flows.monitor import monitor
from flows.planning.plan import done
from flows.project import Project, load
from tasks.caching import results_folder
from tasks.errors import ProjectError
from tasks.evidence import Monitored
from tasks.files import ContentFile, fingerprint_file
from tasks.gathered import Gathering
from tasks.models import Ledger
from tasks.monitoring import Audits
from tasks.registry import Registry
from tasks.sample import sample
from tasks.store import Store
from tests.flows.small_project import Finished, run
from tests.flows.yes_no_project import BILLS, EVER, build, settings, traffic, write

pytestmark = pytest.mark.usefixtures("prefect_server")

WEEK = 7 * 24 * 3600.0
WEEKS_AGO = 12


@pytest.fixture(scope="module")
def promoted(prefect_server: None, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The project, run once; its student answers yes to everything, which is right for bills."""
    place = tmp_path_factory.mktemp("promoted")
    project = build(place / "project", tiny_llama)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("STILLHOUSE_STORE", str(place / "store"))
        folder = run(project)
        assert Registry().champion("small")
        return Finished(project, place / "store", folder)


@pytest.fixture
def project(promoted: Finished, store_root: Path, tmp_path: Path) -> Path:
    """A copy of the project, whose student went on stage three months ago."""
    shutil.copytree(promoted.store, store_root)
    with sqlite3.connect(store_root / "registry.sqlite") as registry:
        registry.execute("UPDATE moves SET moved_at = ?", (week(0),))
    registry.close()
    return shutil.copytree(promoted.project.parent, tmp_path / "project") / promoted.project.name


def week(number: int) -> float:
    """The end of a week since the student went on stage."""
    return time.time() - (WEEKS_AGO - number) * WEEK


def log(project: Path, bills: range = range(0), gifts: range = range(0), said: str = "yes") -> ContentFile:
    path = traffic(project.parent / "log.jsonl", bills, gifts, said)
    return ContentFile(path=path, fingerprint=fingerprint_file(path))


def bills(number: int) -> range:
    """A week's bills, which were in no week before."""
    return range(BILLS + 30 * number, BILLS + 30 * (number + 1))


def healthy_weeks(loaded: Project, project: Path, count: int = 3) -> list[Monitored]:
    return [look(loaded, log(project, bills(number)), week(number + 1)) for number in range(count)]


def test_weeks_without_a_drift_are_healthy_and_recorded(project: Path) -> None:
    seen = healthy_weeks(load(project), project)
    assert [each.state for each in seen] == ["healthy"] * 3, seen[-1].reasons
    assert seen[-1].traffic.outcomes == {"not_drawn": 6, "audited": 24}
    assert [len(audit.rows) for audit in Audits().of("small", champion())] == [24] * 3
    assert all(each.agreement["exact"].mean == 1 for each in seen[-1].seen)


def champion():
    student = Registry().champion("small")
    assert student
    return student


def test_a_log_that_was_audited_is_audited_no_more_and_says_the_same(project: Path) -> None:
    loaded = load(project)
    healthy_weeks(loaded, project)
    fallen = log(project, range(160, 200), said="no")
    first = look(loaded, fallen, week(4))
    again = look(loaded, fallen, week(4) + 60)
    assert first.state == again.state == "retrain"
    assert again.traffic.outcomes == {"known": 24, "not_drawn": 16}
    assert (again.reasons, again.seen, again.gathered) == (first.reasons, first.seen, first.gathered)


def test_of_a_log_that_grows_only_what_came_since_is_audited(project: Path) -> None:
    loaded = load(project)
    look(loaded, log(project, range(BILLS, BILLS + 30)), week(1))
    grown = look(loaded, log(project, range(BILLS, BILLS + 70)), week(2))
    assert grown.traffic.outcomes == {"known": 30, "not_drawn": 16, "audited": 24}
    first, second = Audits().of("small", champion())
    assert [sum(each.slices.values()) for each in (first, second)] == [30, 40]


def test_an_audit_that_was_stopped_in_its_midst_goes_on_as_the_same(project: Path, store_root: Path) -> None:
    loaded, source = load(project), log(project, bills(0))
    look(loaded, source, week(1))
    [whole] = Audits().of("small", champion())
    with sqlite3.connect(store_root / "registry.sqlite") as registry:
        registry.execute("DELETE FROM audited WHERE row IN (SELECT row FROM audited LIMIT 20)")
    registry.close()
    found = look(loaded, source, week(1) + 60)
    assert found.traffic.outcomes == {"known": 4, "not_drawn": 6, "audited": 20}
    [again] = Audits().of("small", champion())
    assert {row.row for row in again.rows} == {row.row for row in whole.rows}
    assert (again.at, again.spent, again.slices) == (whole.at, whole.spent, whole.slices)


def test_traffic_of_a_new_kind_asks_for_a_retrain_whose_run_learns_from_it_and_keeps_the_holdout(project: Path) -> None:
    loaded = load(project)
    healthy_weeks(loaded, project)
    held = {row["id"] for each in Registry().held_out("small", "") for row in Store().read_rows(each)}
    found = look(loaded, log(project, range(200, 210), range(0, 60)), week(4))
    assert found.state == "retrain", found.reasons
    assert any("slice gift" in reason for reason in found.reasons)
    assert any("mix of slices" in reason for reason in found.reasons)
    before = Registry().champion("small")
    answered = len(list(Ledger().lines("small")))
    run(project)
    after = done(load(project))
    split = after["split"]
    learned = [row for part in (split.train, split.validation) for row in Store().read_rows(part)]  # type: ignore[attr-defined]
    judged = list(Store().read_rows(split.holdout))  # type: ignore[attr-defined]
    assert {row["slice"] for row in learned} == {row["slice"] for row in judged} == {"bill", "gift"}
    assert held.isdisjoint(row["id"] for row in learned)
    assert held <= {row["id"] for row in judged}
    assert after["teach"].asked <= found.new_rows - 4 * 24 + 24  # type: ignore[attr-defined]
    assert Registry().champion("small") != before
    assert len(list(Ledger().lines("small"))) > answered
    now = look(load(project), log(project, range(240, 260), range(200, 230), said=""), time.time())
    assert now.state == "healthy", now.reasons


def test_a_run_asks_the_teacher_nothing_that_an_audit_asked(project: Path) -> None:
    loaded = load(project)
    healthy_weeks(loaded, project, 1)
    gathered = Gathering().gathered("small")
    sampled = sample.fn(loaded.sample, gathered)
    assert sampled.tally.outcomes == {"picked": BILLS, "gathered": 24}
    from tasks.teach import teach

    taught = teach.fn(loaded.teach, sampled.inputs, loaded.budget("again"))
    assert taught.asked == 0


def test_answers_that_were_not_logged_are_the_champions_own(project: Path) -> None:
    found = look(load(project), log(project, bills(0), said=""), week(1))
    assert found.traffic.outcomes["audited"] == 24
    assert found.state == "healthy"


def test_what_logged_answers_say_counts_and_not_what_the_student_would_say(project: Path) -> None:
    loaded = load(project)
    healthy_weeks(loaded, project)
    found = look(loaded, log(project, range(170, 200), said="no"), week(4))
    assert found.state == "retrain"
    assert "over all rows" in found.reasons[0]


def test_a_log_without_rows_is_no_traffic(project: Path) -> None:
    found = look(load(project), log(project), week(1))
    assert (found.state, found.reasons) == ("watch", ["no traffic: the log holds no row"])
    assert Audits().of("small", champion()) == []


def test_rows_that_cannot_be_read_are_counted(project: Path) -> None:
    path = project.parent / "log.jsonl"
    path.write_text('{"messages": 7}\nno json\n')
    found = look(load(project), ContentFile(path=path, fingerprint=fingerprint_file(path)), week(1))
    assert found.state == "watch"
    assert found.traffic.outcomes == {"malformed": 2}


def test_a_teacher_that_cannot_answer_is_told_and_what_it_answered_counts(project: Path) -> None:
    found = look(load(project), log(project, range(EVER, EVER + 30)), week(1))
    assert found.state == "watch"
    assert "the teacher could not be asked about all rows" in found.reasons[0]
    assert found.traffic.outcomes == {"not_drawn": 6, "not_taught": 24}
    assert look(load(project), log(project, bills(0)), week(2)).state == "healthy"


def test_a_student_that_is_not_whole_any_more_leaves_rows_without_answers(project: Path) -> None:
    (Store().path(champion()) / "student.json").unlink()
    found = look(load(project), log(project, bills(0), said=""), week(1))
    assert found.state == "watch"
    assert "the student cannot be asked" in found.reasons[0]
    assert found.traffic.outcomes == {"not_drawn": 6, "without_answer": 24}


def test_a_champion_that_left_the_stage_asks_for_nothing(project: Path) -> None:
    loaded = load(project)
    healthy_weeks(loaded, project)
    assert look(loaded, log(project, range(170, 200), said="no"), week(4)).state == "retrain"
    Registry().rollback("small", None, "ann")
    with pytest.raises(ProjectError, match="nobody is on stage"):
        look(loaded, log(project, bills(5)), week(5))


def test_a_clock_that_went_back_finds_nothing_and_says_so(project: Path) -> None:
    loaded = load(project)
    healthy_weeks(loaded, project)
    found = look(loaded, log(project, range(170, 200), said="no"), week(1))
    assert found.state == "watch"
    assert any("the clock says" in reason for reason in found.reasons)
    with pytest.raises(ProjectError, match="yet to come"):
        look(loaded, log(project, bills(4)), time.time() + WEEK)


def test_too_little_new_data_is_no_retrain(project: Path, tiny_llama: Path) -> None:
    few = settings(tiny_llama) | {"monitor": {"rows": 24, "floor": 4, "new_rows": 1000}}
    loaded = load(write(project.parent, few))
    healthy_weeks(loaded, project)
    found = look(loaded, log(project, range(170, 200), said="no"), week(4))
    assert found.state == "watch"
    assert any("too little new data" in reason for reason in found.reasons)


def test_a_metric_that_is_not_measured_cannot_be_watched(project: Path) -> None:
    content = yaml.safe_load(project.read_text()) | {"monitor": {"metrics": ["voice"]}}
    with pytest.raises(ProjectError, match="no \\['voice'\\] to watch"):
        load(write(project.parent, content))


def test_what_is_monitored_decides_no_cache_key(project: Path, tiny_llama: Path) -> None:
    names = list(done(load(project)))
    loaded = load(write(project.parent, settings(tiny_llama) | {"monitor": {"rows": 7}}))
    assert list(done(loaded)) == names == ["sample", "teach", "filter", "split", "train", "evaluate", "promote"]


def test_the_command_says_what_was_found_and_leaves_a_page(project: Path) -> None:
    path = log(project, bills(0)).path
    day = datetime.fromtimestamp(week(1), UTC).strftime("%Y-%m-%d")
    ended = CliRunner().invoke(app, ["monitor", str(project), str(path), "--at", day, "--json"])
    assert ended.exit_code == 0, ended.output
    said = Monitored.model_validate_json(ended.stdout)
    assert said.state == "healthy"
    folder = monitor.with_options(result_storage=results_folder())(project, str(path))
    assert "Healthy: version 1" in (folder / "report.html").read_text()
    assert json.loads((folder / "monitor.json").read_text())["traffic"]["outcomes"] == {"known": 24, "not_drawn": 6}
    missing = CliRunner().invoke(app, ["monitor", str(project), "nowhere.jsonl"])
    assert missing.exit_code == 1
