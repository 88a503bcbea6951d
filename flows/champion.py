"""The student on stage as an audit needs it: what it was promoted on, and what it learned from."""

from typing import NamedTuple

from flows.auditing import at_promotion
from flows.evidence.runs import dataset, evidence_of, version_or_champion
from flows.project import Project
from tasks.artifacts import Student
from tasks.errors import ProjectError
from tasks.evidence import Evidence
from tasks.monitoring import Judged
from tasks.registry import Registry
from tasks.rows import Input
from tasks.store import Store


class Champion(NamedTuple):
    """The student on stage: its version, since when it is there, what it was promoted on and what it learned from."""

    student: Student
    version: int
    since: float
    evidence: Evidence
    promotion: list[Judged]
    learned: list[Input]


def champion_of(project: Project) -> Champion:
    """The champion of a project. Raises `ProjectError` where nobody is on stage."""
    if Registry().champion(project.name) is None:
        raise ProjectError(f"{project.name}: nobody is on stage, so there is nobody to audit. stillhouse run its YAML")
    entry = version_or_champion(project.name, None)
    moves = [move for move in Registry().moves(project.name) if move.champion == entry.student]
    evidence = evidence_of(project.name, entry)
    promotion = at_promotion(project, Store().read_rows(dataset(evidence, "evaluate", "answers")))
    learned: list[Input] = list(Store().read_rows(dataset(evidence, "sample", "inputs")))
    return Champion(entry.student, entry.version, moves[-1].moved_at, evidence, promotion, learned)
