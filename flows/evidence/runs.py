"""Where the runs of a project lie, and the evidence on its versions."""

import os
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from tasks.artifacts import Dataset
from tasks.errors import StoreError
from tasks.evidence import SCHEMA_VERSION, Evidence
from tasks.objects import shared_objects
from tasks.registry import Registry, Version
from tasks.root import store_root
from tasks.store import Store, write_whole


def runs_folder(project: str) -> Path:
    """The folder of all runs of a project."""
    return store_root() / "runs" / project


def under_way() -> Path:
    """Where runs say that they are under way."""
    return store_root() / "under-way"


def run_folder(project: str, number: int | None = None) -> Path:
    """The folder of the project's last run, be it one that stopped, or of the last run of a version.

    Raises `StoreError` where there is none.
    """
    runs = runs_folder(project)
    if number is not None:
        bring(project, f"v{number}-*")
        last = max(runs.glob(f"v{number}-*/evidence.json"), key=lambda each: each.stat().st_mtime_ns, default=None)
        if last is None:
            raise StoreError(
                f"{project} version {number} has no evidence in {store_root()}: it was pruned, or is of "
                "another store. Run the project again as it was then."
            )
        return last.parent
    if (runs / "stopped").is_dir():
        return runs / "stopped"
    bring(project, "latest")
    if not (runs / "latest").is_file():
        raise StoreError(f"{project} has no run in {runs.parent} yet. Start one: stillhouse run FILE")
    latest = (runs / "latest").read_text(encoding="utf-8")
    bring(project, f"{latest}/*")
    return runs / latest


def share(*files: Path) -> None:
    """Upload files of a run to where hosts share them, in this order; nothing where they share nothing."""
    if objects := shared_objects():
        for file in files:
            objects.upload(file, file.relative_to(store_root()).as_posix())


def bring(project: str, pattern: str) -> None:
    """Fetch those files of a project's runs that another host wrote, or wrote later than they were written here."""
    objects, folder = shared_objects(), runs_folder(project)
    if objects is None:
        return
    place = folder.relative_to(store_root()).as_posix()
    for name, listed in objects.listed(place).items():
        file = folder / name
        known = file.is_file() and file.stat().st_mtime_ns >= listed.modified_ns
        if fnmatchcase(name, pattern) and ".." not in Path(name).parts and not known:
            write_whole(file, (objects.read(f"{place}/{name}") or b"").decode())
            os.utime(file, ns=(listed.modified_ns, listed.modified_ns))


def read_evidence(folder: Path) -> Evidence:
    """A run's evidence, of this schema version or an older one. Raises `StoreError` where it cannot be read."""
    path = folder / "evidence.json"
    try:
        return Evidence.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise StoreError(
            f"{folder} holds no evidence: the run stopped before a student was judged. "
            "Name an earlier one with --version N; `stillhouse history` lists them."
        ) from error
    except ValidationError as error:
        if any(each["type"] == "json_invalid" for each in error.errors()):
            raise StoreError(
                f"{path} is damaged: it is no JSON. Run the project again, which writes it anew."
            ) from error
        what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3])
        raise StoreError(
            f"{path} is no evidence of schema version {SCHEMA_VERSION} or older ({what}). "
            "Read it with the Stillhouse that wrote it, or run the project again."
        ) from error


def evidence_of(project: str, entry: Version) -> Evidence:
    """The evidence on a version, the last of several. Raises `StoreError` where the run's folder is gone."""
    return read_evidence(run_folder(project, entry.version))


def made(evidence: Evidence, stage: str, field: str) -> str:
    """The fingerprint of what a stage of the run made. Raises `StoreError` where the evidence names none."""
    fingerprints = next((each.made for each in evidence.stages if each.stage == stage), {})
    if field not in fingerprints:
        raise StoreError(f"{evidence.project} version {evidence.version} names no {field} of {stage}. Run it again.")
    return fingerprints[field]


def dataset(evidence: Evidence, stage: str, field: str) -> Dataset:
    """A data set that a stage of the run made, with its rows. Raises `StoreError` where it is gone."""
    named = Dataset(fingerprint=made(evidence, stage, field), rows=0)
    return Dataset.model_validate(Store().manifest(named).handle)


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
