"""`stillhouse jobs`: what a project ordered at services, and its end."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks.errors import StageFailed, Waiting
from tasks.models import Budget, Ledger
from tasks.models.jobs import Jobs
from tests.flows.test_hosted import local, written
from tests.provider import Behaviour, provider_thread
from tests.tasks.trainers.hosted.orders import ROWS, SERVICES, WATCHED, minutes_pass, ordered, spent_usd, trainer

HOUR = 3600.0


def project(folder: Path, train: dict[str, Any]) -> Path:
    file = written(folder, train, budget_usd=5)
    file.write_text(file.read_text().replace("name: desk", "name: shop"))
    return file


def command(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["jobs", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("service", SERVICES)
def test_jobs_are_listed_as_they_are_now_and_ended_on_demand(service: str, tmp_path: Path) -> None:
    with provider_thread(Behaviour(training_queue_seconds=HOUR, training_seconds=HOUR)) as provider:
        config = trainer(service, provider.url)
        with pytest.raises(Waiting):
            ordered(config)
        file = project(tmp_path, config.model_dump(mode="json", exclude_none=True))
        said = command(file)
        assert "at work" in said
        assert "at most $" in said
        provider.clock.move(1.5 * HOUR)
        assert "running" in command(file)
        assert "cancelled" in command("cancel", file)
        assert "cancelled" in command(file)
        assert "no job" in command("cancel", file)
        billed = sum(map(provider.trainings.billed_tokens, provider.trainings.kept.values())) * 500 / 1e6
        assert 0 < spent_usd() == pytest.approx(billed)
        with pytest.raises(StageFailed, match="was cancelled"):
            ordered(config)


def test_what_a_killed_process_reserved_and_never_ordered_is_given_back(tmp_path: Path) -> None:
    with provider_thread() as provider:
        config = trainer("openai", provider.url)
        given = config.checked(ROWS, WATCHED)
        budget = Budget(project="shop", run="run", project_usd=10)
        Jobs(Ledger()).begin(config.fingerprint(given), "openai", config.base, budget, 10**9)
        assert spent_usd() == 1
        file = project(tmp_path, config.model_dump(mode="json", exclude_none=True))
        assert "begun" in command(file)
        assert "it was never ordered" in command("cancel", file)
        assert spent_usd() == 0


@pytest.mark.parametrize("service", SERVICES)
def test_a_job_whose_creation_got_no_answer_is_found_and_ended(service: str, tmp_path: Path) -> None:
    with provider_thread(Behaviour(training_unanswered=True, training_queue_seconds=HOUR)) as provider:
        config = trainer(service, provider.url)
        with pytest.raises(Waiting):
            ordered(config)
        file = project(tmp_path, config.model_dump(mode="json", exclude_none=True))
        assert "creating" in command(file)
        assert "cancelled" in command("cancel", file)
        assert list(provider.trainings.cancelled) == list(provider.trainings.kept)
        assert provider.trainings.created == 1


def test_a_creation_that_came_to_nothing_is_given_back_once_that_is_sure(tmp_path: Path) -> None:
    with provider_thread(Behaviour(training_unanswered=True)) as provider:
        config = trainer("openai", provider.url)
        with pytest.raises(Waiting):
            ordered(config)
        provider.trainings.kept.clear()
        file = project(tmp_path, config.model_dump(mode="json", exclude_none=True))
        done = CliRunner().invoke(app, ["jobs", "cancel", str(file)])
        assert (done.exit_code, spent_usd() > 0) == (1, True)
        assert "not yet: train: openai did not answer whether it started the job" in done.output
        minutes_pass()
        assert "it was never ordered" in command("cancel", file)
        assert spent_usd() == 0


def test_a_project_that_trains_here_has_no_jobs_to_end(tiny_llama: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["jobs", "cancel", str(project(tmp_path, local(tiny_llama)))])
    assert done.exit_code == 1
    assert "train.trainer is local, which has no job at a service" in done.output
