"""The whole pipeline with a student that a service answers for."""

import shutil
from pathlib import Path

import pytest

from flows.evidence.gathering import Evidence
from tasks.artifacts import Dataset, Student
from tasks.errors import ModelUnavailable
from tasks.store import Store
from tasks.trainers import load_student
from tests.flows.small_project import Finished, run, settings, write
from tests.provider import Behaviour, provider_thread
from tests.tasks.models.endpoint import endpoint

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def project(finished: Finished, store_root: Path, tiny_llama: Path, tmp_path: Path) -> Path:
    """The finished run's project with one scorer more, so that evaluation is due again."""
    shutil.copytree(finished.store, store_root)
    shutil.copytree(finished.project.parent, tmp_path / "project")
    given = settings(tiny_llama)
    given["evaluate"]["scorers"].append({"scorer": "fields", "name": "action", "fields": ["action"]})
    return write(tmp_path / "project", given)


def evidence(folder: Path) -> Evidence:
    return Evidence.model_validate_json((folder / "evidence.json").read_text())


def made(folder: Path, stage: str, field: str) -> str:
    return next(each.made[field] for each in evidence(folder).stages if each.stage == stage)


def student_texts(folder: Path) -> dict[str, str]:
    rows = next(each.rows_in for each in evidence(folder).stages if each.stage == "evaluate")
    answers = Store().read_rows(Dataset(fingerprint=made(folder, "evaluate", "answers"), rows=rows))
    return {row["id"]: row["text"] for row in answers if row["system"] == "student"}


def measured(folder: Path) -> set[str]:
    return {each.mode for each in evidence(folder).failure_modes if each.measured}


def test_what_a_service_answers_is_judged_as_what_this_machine_answers(
    project: Path, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = Student(fingerprint=made(finished.folder, "train", "student"))
    with endpoint(load_student(student).model, student.fingerprint) as server:
        monkeypatch.setenv("STILLHOUSE_STUDENT_URL", server.url)
        folder = run(project)
        texts = student_texts(folder)
        assert server.asked > 1
    assert texts == student_texts(finished.folder)
    assert measured(folder) == measured(finished.folder) != set()


def test_a_service_that_serves_another_model_stops_evaluation_before_anything_is_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider_thread(Behaviour(models=("another",))) as provider:
        monkeypatch.setenv("STILLHOUSE_STUDENT_URL", provider.openai_url)
        with pytest.raises(ModelUnavailable, match=r"serves \['another'\], and not the student"):
            run(project)
        assert not provider.asked
