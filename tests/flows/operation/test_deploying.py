"""What `stillhouse deploy` writes; that a server takes it, in test_up.py."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.operation.deploying import Schedule, deploy
from tasks.errors import OperationFailed, ProjectError
from tests.flows.small_project import build, settings, write

MONDAYS = Schedule("0 3 * * 1", "Europe/Berlin")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder that is looked at, and never loaded."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    return tmp_path / "base"


@pytest.fixture
def project(tmp_path: Path, base: Path, store_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    return build(tmp_path / "own", base)


def entries() -> list[dict[str, Any]]:
    return yaml.safe_load(Path("prefect.yaml").read_text())["deployments"]


def test_a_new_project_has_a_run_an_audit_and_no_schedule_but_what_was_asked_for(project: Path) -> None:
    said = list(deploy(project))
    assert said[0] == "prefect.yaml: small (written)"
    assert said[1].startswith("schedule: none")
    assert "stillhouse up" in said[2]
    distill, monitor = entries()
    assert (distill["entrypoint"], monitor["entrypoint"]) == ("flows.distill.distill", "flows.monitor.monitor")
    assert distill["parameters"] == {"project": "own/small.yaml"}
    assert monitor["parameters"] == {"project": "own/small.yaml", "traffic": "own/traffic.jsonl", "budget_usd": 5}
    assert distill["schedules"] == []
    assert "support" not in Path("prefect.yaml").read_text()
    assert yaml.safe_load(Path("prefect.yaml").read_text())["deployments"][1]["schedules"][0]["active"] is False
    list(deploy(project, MONDAYS))
    assert entries()[0]["schedules"] == [{**MONDAYS._asdict(), "active": True, "slug": "scheduled"}]


def test_once_more_changes_nothing_and_a_schedule_stays_until_another_is_given(project: Path) -> None:
    list(deploy(project, MONDAYS))
    before = Path("prefect.yaml").read_bytes()
    assert list(deploy(project))[:2] == ["prefect.yaml: small (was there)", "schedule: 0 3 * * 1 (Europe/Berlin)"]
    assert Path("prefect.yaml").read_bytes() == before
    list(deploy(project, Schedule("0 4 * * 2", "UTC")))
    assert [each["cron"] for each in entries()[0]["schedules"]] == ["0 4 * * 2"]


def test_comments_edits_and_other_projects_stay(project: Path, base: Path) -> None:
    list(deploy(project))
    file = Path("prefect.yaml")
    edited = file.read_text().replace(
        "    tags: [stillhouse, small]", "    tags: [stillhouse, small, ours]  # said Ada"
    )
    file.write_text(edited)
    other = project.with_name("other.yaml")
    other.write_text(yaml.safe_dump({**settings(base), "name": "other"}))
    list(deploy(other))
    list(deploy(project))
    assert file.read_text().startswith(edited)
    assert [each["name"] for each in entries()] == ["small", "small", "other", "other"]


def test_a_project_that_moved_is_followed_and_another_of_its_name_refused(project: Path) -> None:
    list(deploy(project))
    twin = project.with_name("twin.yaml")
    twin.write_text(project.read_text())
    with pytest.raises(OperationFailed, match=r"small is own/small\.yaml, not .*twin\.yaml"):
        list(deploy(twin))
    project.unlink()
    list(deploy(twin))
    assert [each["parameters"]["project"] for each in entries()] == ["own/twin.yaml"] * 2


@pytest.mark.parametrize("schedule", [Schedule("each day", "UTC"), Schedule("0 3 * * 1", "Atlantis")])
def test_a_schedule_that_is_none_is_refused_and_nothing_written(project: Path, schedule: Schedule) -> None:
    with pytest.raises(ProjectError, match="--cron '0 3"):
        list(deploy(project, schedule))
    assert not Path("prefect.yaml").exists()


def test_a_project_that_is_wrong_is_refused_and_nothing_written(project: Path, base: Path) -> None:
    write(project.parent, {**settings(base), "sample": {"inputs": "nowhere.jsonl"}})
    with pytest.raises(ProjectError, match="nowhere"):
        list(deploy(project))
    assert not Path("prefect.yaml").exists()


@pytest.mark.parametrize("content", ["[", "deployments: 7", "name: other"])
def test_a_file_without_deployments_is_refused_and_left(project: Path, content: str) -> None:
    Path("prefect.yaml").write_text(content)
    with pytest.raises(OperationFailed, match="no list of deployments"):
        list(deploy(project))
    assert Path("prefect.yaml").read_text() == content
