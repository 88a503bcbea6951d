"""Judges among the scorers: asked once every system has answered, for one of them compares answers."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from tasks.evidence import Judging
from tasks.judges import AnyScorer, PreferenceScorer, RubricScorer, Unreadable
from tasks.models import Answer, Hand, together
from tasks.rows import Kept, Scored


class Judged(NamedTuple):
    """The scored answers with the judges' marks among the others, and what those rest on."""

    scored: list[Scored]
    judging: list[Judging]


def judge(scorers: Sequence[AnyScorer], hand: Hand, rows: Sequence[Kept], scored: Sequence[Scored]) -> Judged:
    """Ask every judge about every system's answers, which stand system by system in the order of the rows.

    What cannot be read leaves no mark. Raises as `Hand.ask`, and `StageFailed` where too much cannot be read.
    """
    marks: list[dict[str, float]] = [{} for _ in scored]

    def ask(scorer: AnyScorer) -> list[Judging]:
        if isinstance(scorer, RubricScorer):
            return _grade(scorer, hand, rows, scored, marks)
        return list(_compare(scorer, hand, rows, scored, marks)) if isinstance(scorer, PreferenceScorer) else []

    judging = [each for own in together(partial(ask, scorer) for scorer in scorers) for each in own]
    return Judged([_marked(row, own) for row, own in zip(scored, marks, strict=True)], judging)


def preferred_over(scorer: PreferenceScorer, opponent: str) -> str:
    """The student's metric that a comparison gives: the share of rows that it wins, a tie counting half."""
    return f"{scorer.name}_over_{opponent}"


def _grade(
    scorer: RubricScorer, hand: Hand, rows: Sequence[Kept], scored: Sequence[Scored], marks: list[dict[str, float]]
) -> list[Judging]:
    repeated = list(rows) * (len(scored) // len(rows)) if rows else []
    graded = scorer.score_all(hand, repeated, [_answer(row) for row in scored])
    for own, scores in zip(marks, graded.scores, strict=True):
        if not isinstance(scores, Unreadable):
            own.update({metric: given.value for metric, given in scores.items()})
    return graded.judging


def _compare(
    scorer: PreferenceScorer, hand: Hand, rows: Sequence[Kept], scored: Sequence[Scored], marks: list[dict[str, float]]
) -> Iterator[Judging]:
    answers: dict[str, list[Answer]] = {}
    for row in scored:
        answers.setdefault(row["system"], []).append(_answer(row))
    others = {name: own for name, own in answers.items() if name != "student"}
    found = scorer.score_all(hand, rows, answers["student"], others)
    students = [own for own, row in zip(marks, scored, strict=True) if row["system"] == "student"]
    for opponent, values in found.values.items():
        for own, value in zip(students, values, strict=True):
            if value is not None:
                own[preferred_over(scorer, opponent)] = (value + 1) / 2
    yield found.judging


def _answer(row: Scored) -> Answer:
    return Answer(text=row["text"], error=row["error"])


def _marked(row: Scored, marks: dict[str, float]) -> Scored:
    marked = row.copy()
    marked["scores"] = row["scores"] | marks
    return marked
