"""MLflow's model registry shows what is on stage: a version for each champion, and the alias `champion` on the last."""

import importlib.util
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flows.evidence.runs import evidence_of, run_folder, version_or_champion
from tasks.errors import ExtraMissing, ModelUnavailable, StillhouseError
from tasks.evidence import ALL, Evidence, Measure
from tasks.registry import Registry, Version
from tasks.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient  # pyright: ignore[reportMissingImports]  # an extra

ALIAS = "champion"
_STUDENT = "stillhouse.student"
_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "60"}


def check() -> None:
    """Raises `ExtraMissing` where MLflow's client is not installed."""
    if importlib.util.find_spec("mlflow") is None:
        raise ExtraMissing("MLflow's client is not installed: pip install 'stillhouse[mlflow]'.")


def show(project: str, uri: str) -> str:
    """Bring the alias to whoever is on stage now, registering them first where MLflow does not know them; in words.

    What a run that was killed left undone the next one does. That MLflow is away undoes nothing: the words say so.
    """
    try:
        return register(project, uri)
    except StillhouseError as error:
        return f"not shown in MLflow yet: {error} Then: stillhouse export FILE --mlflow {uri}, or the next run"


def register(project: str, uri: str, version: int | None = None) -> str:
    """Register a version, and bring the alias to whoever is on stage; in words.

    Raises `StoreError` where there is no such version or the store lost it, `ModelUnavailable` where MLflow fails.
    """
    with _connected(uri) as client:
        named = [version_or_champion(project, version)] if version is not None else []
        numbers = [_registered(client, project, entry) for entry in named]
        words = [f"version {entry.version} is {number}" for entry, number in zip(named, numbers, strict=True)]
        return f"MLflow, model {project}: " + "; ".join([*words, _follow(client, project)])


@contextmanager
def _connected(uri: str) -> Generator["MlflowClient"]:
    check()
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient  # pyright: ignore[reportMissingImports]
    from mlflow.exceptions import MlflowException  # pyright: ignore[reportMissingImports]

    try:
        yield MlflowClient(uri, uri)
    except StillhouseError:
        raise
    except (MlflowException, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise ModelUnavailable(f"MLflow at {uri}: {said}. Look whether it runs, and who may write there.") from error


def _follow(client: "MlflowClient", project: str) -> str:
    """Move the alias until it stands where the registry's pointer stood after it was moved."""
    while True:
        champion = Registry().champion(project)
        if champion is None:
            _without_alias(client, project)
            words = "nobody is on stage"
        else:
            entry = version_or_champion(project, None)
            number = _registered(client, project, entry)
            client.set_registered_model_alias(project, ALIAS, number)
            words = f"{ALIAS} is {number}, which is version {entry.version}"
        if Registry().champion(project) == champion:
            return words


def _without_alias(client: "MlflowClient", project: str) -> None:
    if client.search_registered_models(f"name = '{project}'"):
        client.delete_registered_model_alias(project, ALIAS)


def _registered(client: "MlflowClient", project: str, entry: Version) -> str:
    """The number under which MLflow knows the student; it is made last, so that what has a number is whole."""
    if not client.search_registered_models(f"name = '{project}'"):
        client.create_registered_model(project, {"stillhouse.project": project}, "A student distilled by Stillhouse.")
    for known in client.search_model_versions(f"name = '{project}'"):
        if known.tags.get(_STUDENT) == entry.student.fingerprint:
            return str(known.version)
    evidence, tags = evidence_of(project, entry), _tags(project, entry)
    run = _run(client, project, tags)
    _log(client, run, project, entry, evidence)
    source = f"{client.get_run(run).info.artifact_uri}/student"
    words = "\n".join(f"- {reason.words}" for reason in evidence.reasons)
    return str(client.create_model_version(project, source, run, tags=tags, description=words).version)


def _run(client: "MlflowClient", project: str, tags: dict[str, str]) -> str:
    """The run of a student: the one that an export which was killed began, or a new one."""
    name = f"stillhouse/{project}"
    experiment = client.get_experiment_by_name(name)
    number = experiment.experiment_id if experiment else client.create_experiment(name)
    begun = client.search_runs([number], f"tags.`{_STUDENT}` = '{tags[_STUDENT]}'")
    if begun:
        return begun[0].info.run_id
    return client.create_run(number, tags=tags, run_name=f"{project} v{tags['stillhouse.version']}").info.run_id


def _log(client: "MlflowClient", run: str, project: str, entry: Version, evidence: Evidence) -> None:
    from flows.versions.export import export

    for name, value in _metrics(evidence):
        client.log_metric(run, name, value, step=0, timestamp=int(entry.entered_at * 1000))
    with tempfile.TemporaryDirectory() as folder:
        client.log_artifacts(run, str(export(project, Path(folder) / "student", entry.version)), "student")
    for name in ("report.html", "evidence.json"):
        client.log_artifact(run, str(run_folder(project, entry.version) / name))
    client.set_terminated(run, "FINISHED")


def _metrics(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """The student's figures over whole parts, and its differences, each with both ends of its interval."""
    for estimate in evidence.scores.estimates:
        if (estimate.system, estimate.slice) == ("student", ALL):
            yield from _ends(f"{estimate.part}/{estimate.metric}", estimate)
    for difference in evidence.scores.differences:
        if (difference.system, difference.slice) == ("student", ALL):
            yield from _ends(f"{difference.part}/{difference.metric} versus {difference.versus}", difference)


def _ends(name: str, measure: Measure) -> Iterator[tuple[str, float]]:
    yield name, measure.mean
    yield f"{name} low", measure.low
    yield f"{name} high", measure.high


def _tags(project: str, entry: Version) -> dict[str, str]:
    """What ties MLflow's version to the registry, and to the data that it was made from and judged on."""
    parents = Store().manifest(entry.student).made.parents
    holdout = {"holdout": entry.holdout.fingerprint} if entry.holdout else {}
    said = {"project": project, "version": str(entry.version), "verdict": entry.verdict} | parents | holdout
    return {_STUDENT: entry.student.fingerprint} | {f"stillhouse.{name}": value for name, value in said.items()}
