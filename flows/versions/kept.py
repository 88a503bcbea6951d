"""What stays when old runs go: the versions of each project that are kept, and every artefact that they stand on."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flows.evidence.runs import runs_folder
from tasks.artifacts import Student
from tasks.registry import Approvals, Registry
from tasks.store import Store

_RUN = re.compile(r"v(\d+)-[0-9a-f]+")
_FINGERPRINT = re.compile(r'"([0-9a-f]{64})"')


class Run(NamedTuple):
    """A folder that a run left: the version that it is about, and when it was written."""

    folder: Path
    version: int
    written_at: float


class Kept(NamedTuple):
    """What of a project stays: its versions, each with why, and the folders of its runs."""

    versions: dict[int, str]
    runs: list[Run]


def runs(project: str) -> list[Run]:
    """The folders that runs of the project left on its versions, the oldest first."""
    found = [(folder, _RUN.fullmatch(folder.name)) for folder in runs_folder(project).glob("v*-*")]
    return sorted(
        (Run(folder, int(name[1]), _written_at(folder)) for folder, name in found if name), key=lambda run: run[2]
    )


def everything(project: str) -> Kept:
    """All of a project that is not to be touched."""
    versions = {entry.version: "not asked about" for entry in Registry().history(project)}
    return Kept(versions, runs(project))


def kept(project: str, keep: int, since: float) -> Kept:
    """What stays of a project: so many of the newest versions and of the champions before, and whatever is in use.

    A run's folder stays where it is the last one of a version that stays, or of the project, or was written `since`.
    """
    registry, ran = Registry(), runs(project)
    entries, champion = registry.history(project), registry.champion(project)
    earlier = [student for student in registry.champions(project)[-2::-1] if Store().intact(student)]
    latest = runs_folder(project) / "latest"
    last = latest.read_text(encoding="utf-8") if latest.is_file() else ""
    numbers = {entry.student: entry.version for entry in entries}
    judged = [entry.version for entry in entries if entry.entered_at >= since]
    reasons: list[tuple[str, Sequence[int]]] = [
        ("on stage", _numbers(numbers, [champion] if champion else [])),
        ("a rollback returns to it", _numbers(numbers, [*dict.fromkeys(earlier)][:keep])),
        ("waits for approval", _numbers(numbers, [asked.student for asked in Approvals().open(project)])),
        ("of the last run", [run.version for run in ran if run.folder.name == last]),
        (
            "of a run within a day, or still under way",
            [*judged, *(run.version for run in ran if run.written_at >= since)],
        ),
        (f"one of the newest {keep}", [entry.version for entry in entries[-keep:]]),
    ]
    versions = {number: why for why, those in reversed(reasons) for number in those}
    last_of = {run.version: run for run in ran}
    stay = [run for run in ran if run in last_of.values() and run.version in versions]
    stay += [run for run in ran if run not in stay and (run.folder.name == last or run.written_at >= since)]
    return Kept(dict(sorted(versions.items())), stay)


def roots(project: str, staying: Kept) -> Iterator[str]:
    """The fingerprints that what stays of a project names: students, evidence, and all that was ever held out."""
    registry = Registry()
    for entry in registry.history(project):
        if entry.version in staying.versions:
            for handle in (entry.student, entry.rival, registry.rival(project, entry.student), entry.holdout):
                if handle:
                    yield handle.fingerprint
    yield from (dataset.fingerprint for dataset in registry.held_out(project, again=""))
    yield from (decision.holdout.fingerprint for decision in registry.decisions(project))
    pages = [run.folder / "evidence.json" for run in staying.runs]
    for page in (*pages, runs_folder(project) / "stopped" / "stopped.json"):
        if page.is_file():
            yield from named(page.read_text(encoding="utf-8"))


def named(text: str) -> set[str]:
    """Every fingerprint that a JSON text names."""
    return set(_FINGERPRINT.findall(text))


def reached(needs: Mapping[str, Collection[str]], wanted: Iterable[str]) -> set[str]:
    """What is wanted, and all that it stands on, as far as it is there."""
    found, waiting = set[str](), [each for each in wanted if each in needs]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += [need for need in needs[each] if need in needs]
    return found


def _numbers(numbers: Mapping[Student, int], students: Iterable[Student]) -> list[int]:
    return [numbers[student] for student in students if student in numbers]


def _written_at(folder: Path) -> float:
    evidence = folder / "evidence.json"
    return (evidence if evidence.is_file() else folder).stat().st_mtime
