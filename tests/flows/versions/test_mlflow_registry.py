import importlib.util
import json
import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.evidence.runs import evidence_of
from flows.versions.mlflow_registry import register, show
from tasks.errors import ExtraMissing
from tasks.registry import Registry
from tasks.store import Store
from tests.flows.small_project import Finished, run, settings, write
from tests.mlflow_server import mlflow_server

__all__ = ["mlflow_server"]  # a fixture

SECOND = {"rules": [{"metric": "intent", "at_least": 0.0}]}


@pytest.fixture
def store(finished: Finished, store_root: Path) -> Path:
    """What the finished run left, moved to this test's store."""
    return shutil.copytree(finished.store, store_root)


@pytest.fixture
def client(mlflow_server: str) -> Any:
    """MLflow's own client, with nothing of the project there."""
    from mlflow import MlflowClient  # pyright: ignore[reportMissingImports]

    client: Any = MlflowClient(mlflow_server, mlflow_server)
    if client.search_registered_models("name = 'small'"):
        client.delete_registered_model("small")
    for experiment in client.search_experiments():
        if experiment.name == "stillhouse/small":
            for found in client.search_runs([experiment.experiment_id]):
                client.delete_run(found.info.run_id)
    return client


def champion_there(client: Any) -> str | None:
    """The fingerprint of the student that MLflow calls champion."""
    model = client.get_registered_model("small")
    number = model.aliases.get("champion")
    return client.get_model_version("small", number).tags["stillhouse.student"] if number else None


def publishing(finished: Finished, folder: Path, uri: str, tiny_llama: Path, **stages: Any) -> Path:
    """A copy of the project that publishes."""
    if not folder.exists():
        shutil.copytree(finished.project.parent, folder)
    return write(folder, settings(tiny_llama) | stages | {"publish": {"mlflow": uri}})


def test_the_alias_follows_promotions_rollbacks_and_promotions_by_hand(
    store: Path, finished: Finished, client: Any, mlflow_server: str, tmp_path: Path, tiny_llama: Path
) -> None:
    project = publishing(finished, tmp_path / "project", mlflow_server, tiny_llama)
    run(project)
    [first] = Registry().history("small")
    assert champion_there(client) == first.student.fingerprint
    other = settings(tiny_llama)["train"] | {"seed": 2}
    run(publishing(finished, tmp_path / "project", mlflow_server, tiny_llama, train=other, promote=SECOND))
    second = Registry().history("small")[1]
    assert champion_there(client) == second.student.fingerprint != first.student.fingerprint
    assert CliRunner().invoke(app, ["rollback", str(project)]).exit_code == 0
    assert champion_there(client) == first.student.fingerprint
    assert CliRunner().invoke(app, ["promote", str(project), "2"]).exit_code == 0
    assert champion_there(client) == second.student.fingerprint
    assert CliRunner().invoke(app, ["rollback", str(project), "--to", "1"]).exit_code == 0
    assert CliRunner().invoke(app, ["rollback", str(project)]).exit_code == 0
    assert champion_there(client) is None
    assert len(client.search_model_versions("name = 'small'")) == 2


def test_a_version_there_has_the_figures_the_report_the_student_and_what_it_was_made_from(
    store: Path, client: Any, mlflow_server: str, tmp_path: Path
) -> None:
    [entry] = Registry().history("small")
    assert "champion is 1, which is version 1" in register("small", mlflow_server)
    [version] = client.search_model_versions("name = 'small'")
    parents = Store().manifest(entry.student).made.parents
    assert version.tags["stillhouse.train"] == parents["train"]
    assert (version.tags["stillhouse.verdict"], version.tags["stillhouse.version"]) == ("promote", "1")
    assert entry.holdout
    assert version.tags["stillhouse.holdout"] == entry.holdout.fingerprint
    figures = client.get_run(version.run_id).data.metrics
    [intent] = [
        each
        for each in evidence_of("small", entry).scores.estimates
        if (each.system, each.metric, each.part, each.slice) == ("student", "intent", "holdout", "all")
    ]
    ends = [figures[f"holdout/intent{end}"] for end in ("", " low", " high")]
    assert ends == [intent.mean, intent.low, intent.high]
    assert "holdout/intent versus base" in figures
    whole = Path(client.download_artifacts(version.run_id, "", str(tmp_path)))
    assert json.loads((whole / "evidence.json").read_text())["project"] == "small"
    assert (whole / "report.html").is_file()
    weights = (whole / "student" / "model.safetensors").read_bytes()
    assert weights == (Store().path(entry.student) / "model.safetensors").read_bytes()
    assert version.source.endswith("/student")


def test_registering_again_adds_nothing(store: Path, client: Any, mlflow_server: str) -> None:
    assert register("small", mlflow_server) == register("small", mlflow_server)
    assert "version 1 is 1; champion is 1" in register("small", mlflow_server, 1)
    [experiment] = client.search_experiments(filter_string="name = 'stillhouse/small'")
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_an_export_that_was_killed_is_completed_by_the_next(store: Path, client: Any, mlflow_server: str) -> None:
    """Killed once MLflow knows of a run: whatever it had sent by then, one run and one version are there in the end."""
    process = multiprocessing.get_context("spawn").Process(target=register, args=("small", mlflow_server))
    process.start()
    begun: list[Any] = []
    while not begun and process.is_alive():
        experiments = client.search_experiments(filter_string="name = 'stillhouse/small'")
        begun = client.search_runs([each.experiment_id for each in experiments]) if experiments else []
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    register("small", mlflow_server)
    [version] = client.search_model_versions("name = 'small'")
    [there] = client.search_runs([experiments[0].experiment_id])
    assert (version.run_id, there.info.status) == (there.info.run_id, "FINISHED")
    assert champion_there(client) == Registry().history("small")[0].student.fingerprint


def test_a_run_killed_between_promotion_and_publishing_is_completed_by_the_next(
    store: Path, finished: Finished, client: Any, mlflow_server: str, tmp_path: Path, tiny_llama: Path
) -> None:
    shutil.rmtree(store / "runs")  # the registry has moved, and neither evidence nor MLflow knows of it
    folder = run(publishing(finished, tmp_path / "project", mlflow_server, tiny_llama))
    assert json.loads((folder / "evidence.json").read_text())["on_stage"]
    assert champion_there(client) == Registry().history("small")[0].student.fingerprint


def test_that_mlflow_is_away_undoes_no_rollback(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="MLflow's client is not installed: pip install 'stillhouse[mlflow]'")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    project = tmp_path / "small.yaml"
    project.write_text("name: small\npublish: {mlflow: 'http://127.0.0.1:9'}\n")
    started = time.monotonic()
    ended = CliRunner().invoke(app, ["rollback", str(project)])
    assert ended.exit_code == 0
    assert "nobody is on stage" in ended.output
    assert "not shown in MLflow yet: MLflow at http://127.0.0.1:9" in ended.output
    assert time.monotonic() - started < 60
    assert Registry().champion("small") is None


def test_without_the_client_it_says_what_to_install() -> None:
    if importlib.util.find_spec("mlflow"):
        pytest.skip("MLflow's client is installed")
    assert "pip install 'stillhouse[mlflow]'" in show("small", "http://127.0.0.1:9")
    with pytest.raises(ExtraMissing, match="pip install"):
        register("small", "http://127.0.0.1:9")
