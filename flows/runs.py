"""Where the runs of a project lie, and the evidence on its versions."""

from pathlib import Path

from tasks.errors import StoreError
from tasks.evidence import Evidence
from tasks.registry import Registry, Version
from tasks.root import store_root


def runs_folder(project: str) -> Path:
    """The folder of all runs of a project."""
    return store_root() / "runs" / project


def latest(project: str) -> Path | None:
    """The folder of the project's last run, or None where there is none."""
    pointer = runs_folder(project) / "latest"
    return pointer.parent / pointer.read_text(encoding="utf-8") if pointer.is_file() else None


def run_of(project: str, entry: Version) -> Path:
    """The folder of the last run that judged a version. Raises `StoreError` where it is gone."""
    found = runs_folder(project).glob(f"v{entry.version}-*/evidence.json")
    last = max(found, key=lambda each: each.stat().st_mtime_ns, default=None)
    if last is None:
        raise StoreError(f"{project} version {entry.version} has no evidence in {store_root()}. Run the project again.")
    return last.parent


def evidence_of(project: str, entry: Version) -> Evidence:
    """The evidence on a version, the last of several. Raises `StoreError` where the run's folder is gone."""
    return Evidence.model_validate_json((run_of(project, entry) / "evidence.json").read_text(encoding="utf-8"))


def version_or_champion(project: str, number: int | None) -> Version:
    """The version of that number, or the one on stage where none is named. Raises `StoreError` where there is none."""
    registry = Registry()
    if number is not None:
        return registry.version(project, number)
    entries, champion = registry.history(project), registry.champion(project)
    if champion is None:
        there = f"there are {[entry.version for entry in entries]}" if entries else "run the project first"
        raise StoreError(f"{project} has no student on stage. Name a version; {there}.")
    return next(entry for entry in entries if entry.student == champion)
