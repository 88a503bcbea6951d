"""The ceiling: how far the teacher agrees with people, and with itself. A student is not asked to agree more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from tasks.evidence import Estimate
from tasks.measures import estimates
from tasks.models import Answer
from tasks.rows import Kept, Output, Scored
from tasks.scorers import Scorer
from tasks.systems import score, scored

WITH_PEOPLE, WITH_ITSELF = "approved", "again"


def ceiling(
    answered: Iterable[Scored], outputs: Iterable[Output], rows: Sequence[Kept], scorers: Sequence[Scorer]
) -> list[Estimate]:
    """The teacher's scores against approved answers (part `approved`), and of its further samples against its first.

    The latter (part `again`) is of rows that it was asked several times; a sample that failed says nothing of it.
    """
    by_people = [_as_part(row, WITH_PEOPLE) for row in answered if row["system"] == "teacher" and row["approved"]]
    return list(estimates([*by_people, *_again(outputs, {row["id"]: row for row in rows}, scorers)]))


def _again(outputs: Iterable[Output], rows: Mapping[str, Kept], scorers: Sequence[Scorer]) -> Iterator[Scored]:
    samples: dict[tuple[str, str], list[Output]] = {}
    for output in outputs:
        if output["id"] in rows and not output["error"]:
            samples.setdefault((output["id"], output["teacher"]), []).append(output)
    for (id, _), own in samples.items():
        first, *others = sorted(own, key=lambda output: output["sample"])
        row = rows[id].copy()
        row["reference"] = first["text"]
        answers = [Answer(text=other["text"]) for other in others]
        for answer, found in zip(answers, score(scorers, [row] * len(answers), answers), strict=True):
            yield scored("teacher", row, WITH_ITSELF, answer, found)


def _as_part(row: Scored, part: str) -> Scored:
    moved = row.copy()
    moved["part"] = part
    return moved
