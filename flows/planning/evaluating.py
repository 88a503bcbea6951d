"""What evaluation would ask of whoever is paid: hosted systems, and judges, about the rows that are held out."""

from collections.abc import Iterator, Sequence

from flows.planning.estimates import costs
from flows.project import Project
from tasks.judges import PreferenceScorer, RubricScorer, called
from tasks.models import Answer, Question, Service
from tasks.registry import Registry
from tasks.rows import Kept
from tasks.split import SplitRows
from tasks.store import Store
from tasks.systems import System

_LATER = "what it costs is known once rows are held out"


def asked(project: Project, parts: SplitRows | None) -> Iterator[str]:
    """Who would be asked what, and what that costs where the rows are known; answers are supposed to be references."""
    rows = None if parts is None else [row for part in (parts.holdout, parts.unseen) for row in Store().read_rows(part)]
    hosted = [(each, each.model) for each in _systems(project) if isinstance(each.model, Service)]
    for system, model in hosted:
        cost = _LATER if rows is None else costs(model, [Question(row["id"], system.request(row)) for row in rows])
        yield f"{model.model} answers as the {system.name} to every row held out: {cost}"
    if not hosted:
        yield "the other systems run here: their answers cost nothing"
    for scorer in project.evaluate.judges():
        cost = _LATER if rows is None else costs(scorer.model, _judged(project, scorer, rows))
        yield f"{called(scorer.model)} judges {_what(scorer)} to every row held out: {cost}"


def _systems(project: Project) -> Iterator[System]:
    """Who is asked because of the trainer; a student that is trained here answers here."""
    base, longest = project.train.base_model(), project.evaluate.max_output_tokens
    for model in project.train.asked():
        told = project.teach.prompt if model == base else project.train.prompt
        yield System("base" if model == base else "student", model, told.text() if told else "", longest)


def _what(scorer: RubricScorer | PreferenceScorer) -> str:
    if isinstance(scorer, RubricScorer):
        return "each answer of each system"
    return f"each answer of the student beside those of {', '.join(scorer.versus)}, in both orders,"


def _judged(project: Project, scorer: RubricScorer | PreferenceScorer, rows: Sequence[Kept]) -> list[Question]:
    """What a judge would be asked first, supposing that every system's answers are alike the references."""
    there = {"teacher", "student"}
    there |= {"base"} if project.train.base_model() else set()
    there |= {"champion"} if Registry().champion(project.name) else set()

    def said(system: str) -> list[Answer]:
        return [Answer(text=f"{system}: {row['reference']}") for row in rows]

    if isinstance(scorer, RubricScorer):
        return [each for system in sorted(there) for each in scorer.questions(rows, said(system))]
    return scorer.questions(rows, said("student"), {system: said(system) for system in there})
