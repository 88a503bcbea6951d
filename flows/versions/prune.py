"""`stillhouse prune`: old runs and artefacts that nothing needs any more. What would go is told first."""

import json
import os
import shutil
import stat
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from rich.filesize import decimal

from flows.evidence.runs import runs_folder, under_way
from flows.versions.kept import Kept, everything, kept, named, reached, roots, runs
from tasks.artifacts import HANDLES, Base, Student
from tasks.caching import handles, results_folder
from tasks.errors import StoreError
from tasks.objects import shared_objects
from tasks.processes import at_work_since, held
from tasks.registry import Registry
from tasks.root import store_root

_A_DAY = 24 * 3600.0
_ASIDE = ".removing-"
_NOTHING = "nothing"


class Removal(NamedTuple):
    """A file or folder of the store that may go: what it is, why, its size, and when it was last written or used."""

    path: Path
    what: str
    why: str
    bytes: int
    used_at: float


class Plan(NamedTuple):
    """What stays of each project, and what goes, in the order in which it does."""

    kept: dict[str, Kept]
    removals: list[Removal]

    def lines(self) -> Iterator[str]:
        """What stays and what goes, as a person reads it: what is alike, and goes for the same reason, in one line."""
        for project, staying in self.kept.items():
            versions = ", ".join(f"v{number} ({why})" for number, why in staying.versions.items())
            yield f"{project}: of its versions stay {versions or 'none'}"
        if objects := shared_objects():
            yield (
                f"on this host alone: what hosts share in {objects.name} stays there, for this one as well; what a "
                "run's evidence stands on is written down on the host that ran it, so no host knows what all may miss"
            )
        alike: dict[tuple[str, str], list[int]] = {}
        for each in self.removals:
            alike.setdefault((each.what, each.why), []).append(each.bytes)
        for (what, why), sizes in alike.items():
            yield f"  {f'{len(sizes)} ' if len(sizes) > 1 else ''}{what}, {decimal(sum(sizes))}: {why}"


class _Artefact(NamedTuple):
    path: Path
    needs: set[str]
    used_at: float


class _Record(NamedTuple):
    """A finished stage in the cache: its files, and the artefacts that it would serve."""

    files: list[Path]
    serves: set[str]
    used_at: float


def plan(keep: int, project: str | None = None) -> Plan:
    """What goes where so many of each project's newest versions stay, or of this one's, and all of the others.

    What runs made or used within a day stays, and since the oldest that is under way began. Raises `StoreError` where
    the project has no version.
    """
    since = min(time.time() - _A_DAY, at_work_since(under_way()) or time.time())
    left = [each.name for each in (store_root() / "runs").glob("[!.]*")]
    projects = sorted({*Registry().projects(), *left})
    if project and project not in projects:
        raise StoreError(f"{project} has no version in {store_root()}; there are {projects}. Run the project first.")
    chosen = [project] if project else projects
    staying = {each: kept(each, keep, since) if each in chosen else everything(each) for each in projects}
    artefacts, records = dict(_artefacts()), list(_records())
    needs = {fingerprint: each.needs for fingerprint, each in artefacts.items()}
    wanted = [root for each in projects for root in roots(each, staying[each])]
    wanted += [fingerprint for fingerprint, each in artefacts.items() if each.used_at >= since]
    wanted += [fingerprint for each in records if each.used_at >= since for fingerprint in each.serves]
    alive = reached(needs, wanted)
    going = needs.keys() - alive
    if project:
        going &= reached(needs, roots(project, everything(project)))
    removals = [
        *_stale([each for each in records if each.used_at < since], going, needs.keys() if project is None else None),
        *(removal for each in chosen for removal in _old_runs(each, staying[each])),
        *_unneeded({fingerprint: artefacts[fingerprint] for fingerprint in sorted(going)}),
        *([] if project else _left_behind(since)),
    ]
    return Plan({each: staying[each] for each in chosen}, removals)


def remove(planned: Sequence[Removal]) -> Iterator[Removal]:
    """Take away what was planned, and give each as it goes: renamed first, so that nothing is ever there in part.

    Records go before what they serve, so that no run is served what is about to go. Raises `StoreError` at something
    that was used since it was planned, and leaves it and what follows.
    """
    for each in planned:
        if not each.path.exists():
            continue
        if _used_at(each.path) != each.used_at:
            raise StoreError(f"{each.path} was used by now, so it stays, and what was to follow. Run prune again.")
        aside = each.path.with_name(f"{_ASIDE}{each.path.name.removeprefix(_ASIDE)}")
        if aside != each.path:
            _take_away(aside)
            each.path.rename(aside)
        _take_away(aside)
        yield each


def _take_away(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _artefacts() -> Iterator[tuple[str, _Artefact]]:
    for kind in HANDLES.values():
        for path in (store_root() / kind.folder).glob("[!.]*"):
            says = named(json.dumps(_read(path / "manifest.json").get("made")))
            yield path.name, _Artefact(path, says - {path.name}, _used_at(path))


def _records() -> Iterator[_Record]:
    """What the cache holds, and results that no key leads to, which serve nothing that there is."""
    keyed = set[Path]()
    for key in (store_root() / "keys").glob("[!.]*"):
        result = results_folder() / Path(_read(key).get("storage_key", "none")).name
        keyed.add(result)
        stored = _read(result)
        serves = {each.fingerprint for each in handles(stored)} if stored else {_NOTHING}
        yield _Record([key, result], serves, _used_at(key))
    for result in results_folder().glob("[!.]*"):
        if result not in keyed:
            yield _Record([result], {_NOTHING}, _used_at(result))


def _read(path: Path) -> dict[str, Any]:
    """A JSON file; nothing where it is not there or damaged, for then nobody is served it either."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}


def _stale(records: Iterable[_Record], going: set[str], there: Collection[str] | None) -> Iterator[Removal]:
    """Records of what goes; and of what is not there, where it is said what is."""
    for record in records:
        if record.serves & going or (there is not None and not record.serves <= set(there)):
            for file in record.files:
                if file.is_file():
                    yield _removal(file, "records of finished stages", "what they would serve is gone, or goes")


def _old_runs(project: str, staying: Kept) -> Iterator[Removal]:
    for run in runs(project):
        if run not in staying.runs:
            older = run.version in staying.versions
            why = "there is a later run of it" if older else "it is not kept"
            yield _removal(run.folder, f"evidence and report on version {run.version} of {project}", why)
    kept_students = {
        entry.student.fingerprint[:12] for entry in Registry().history(project) if entry.version in staying.versions
    }
    for curve in runs_folder(project).glob("curve-*.json"):
        if curve.stem.removeprefix("curve-") not in kept_students:
            yield _removal(curve, f"learning curves of {project}", "their students are not kept")


def _unneeded(going: Mapping[str, _Artefact]) -> Iterator[Removal]:
    """Artefacts that nothing kept stands on; students by the versions that they were."""
    versions = {
        entry.student.fingerprint: f"{project} version {entry.version}"
        for project in Registry().projects()
        for entry in Registry().history(project)
    }
    for fingerprint, artefact in going.items():
        match artefact.path.parent.name:
            case Student.folder:
                version = versions.get(fingerprint)
                why = "it is not kept" if version else "no version is this student"
                yield _removal(artefact.path, f"student {fingerprint[:12]}{f', {version}' if version else ''}", why)
            case Base.folder:
                why = "nothing kept was trained from it; it is converted anew when it is wanted"
                yield _removal(artefact.path, f"base {fingerprint[:12]}", why)
            case _:
                yield _removal(artefact.path, "data sets", "nothing kept was made from them")


def _left_behind(since: float) -> Iterator[Removal]:
    """What stages and earlier removals left in the middle of their work."""
    root = store_root()
    for folder in (root / "unfinished").glob("[!.]*"):
        if _used_at(folder) < since and not held(folder / "lock"):
            yield _removal(folder, "checkpoints", "nobody took their training up again within a day")
    for marker in under_way().glob("*"):
        if _used_at(marker) < since and not held(marker):
            yield _removal(marker, "marks of runs", "they were killed")
    for folder in (*root.glob("writing-*"), *root.glob("broken-*")):
        if _used_at(folder) < since:
            yield _removal(folder, "artefacts half written, or damaged", "whoever wrote them was stopped, or made anew")
    for path in (*root.glob(f"*/{_ASIDE}*"), *root.glob(f"runs/*/{_ASIDE}*")):
        yield _removal(path, "what an earlier prune left", "it was stopped")


def _removal(path: Path, what: str, why: str) -> Removal:
    size = sum(each.st_size for each in _status(path) if stat.S_ISREG(each.st_mode))
    return Removal(path, what, why, size, _used_at(path))


def _used_at(path: Path) -> float:
    return max((each.st_mtime for each in _status(path)), default=0.0)


def _status(path: Path) -> Iterator[os.stat_result]:
    """Of a file, or of a folder and all in it; what vanishes meanwhile is another's to take away."""
    within = [Path(folder) / name for folder, folders, files in os.walk(path) for name in (*folders, *files)]
    for each in (path, *within):
        with suppress(FileNotFoundError):
            yield each.lstat()
