"""evaluate: student, holdout, unseen → evaluation. How good is it, against what, and how sure are we?"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean, median

from prefect import task
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import Dataset, Made, Result, Student, Tally
from tasks.caching import BY_CONTENT
from tasks.evidence import ALL, Difference, Estimate, Scores, Usage
from tasks.models import AnyModel, Budget, Hand, Local, failure
from tasks.models.chat import prompted
from tasks.models.served import answering
from tasks.rows import Kept, Scored
from tasks.scorers import Scorer
from tasks.statistics import difference_interval, mean_interval
from tasks.store import Store
from tasks.systems import System, Systems
from tasks.teach import TeachConfig
from tasks.trainers import load_student

VERSION = "3"


class EvaluateConfig(BaseModel):
    """How answers are judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorers: list[Scorer] = Field(min_length=1, description="Each gives a metric of its name.")
    max_output_tokens: int = Field(
        default=128, ge=1, description="The longest answer of base, student and champion, in their tokens."
    )


def metric_names(config: EvaluateConfig) -> dict[str, set[str]]:
    """The metrics that will be measured, by the part of the rows that they are measured on."""
    names = {scorer.name for scorer in config.scorers}
    return {"holdout": names, "unseen": names}


class Evaluated(Result):
    """Every system's answers to the same rows, and what they amount to."""

    answers: Dataset
    scores: Scores
    usage: list[Usage]
    asked: int


def estimates(scored: Sequence[Scored]) -> Iterator[Estimate]:
    """Every metric of every system, over each part as a whole and by slice."""
    for (system, part, name), rows in _by_slice(scored).items():
        for metric in rows[0]["scores"]:
            interval = mean_interval([row["scores"][metric] for row in rows], [row["group"] for row in rows])
            failed = sum(bool(row["error"]) for row in rows)
            yield Estimate(system=system, metric=metric, part=part, slice=name, failed=failed, **interval._asdict())


def differences(scored: Sequence[Scored]) -> Iterator[Difference]:
    """The student less each other system, on identical rows."""
    grouped = _by_slice(scored)
    for (system, part, name), others in grouped.items():
        if system == "student":
            continue
        own = grouped["student", part, name]
        for metric in own[0]["scores"]:
            interval = difference_interval(
                [row["scores"][metric] for row in own],
                [row["scores"][metric] for row in others],
                [row["group"] for row in own],
            )
            yield Difference(
                system="student", versus=system, metric=metric, part=part, slice=name, **interval._asdict()
            )


def usage(scored: Sequence[Scored]) -> Iterator[Usage]:
    """Means a row, by system."""
    by_system: dict[str, list[Scored]] = {}
    for row in scored:
        by_system.setdefault(row["system"], []).append(row)
    for system, rows in by_system.items():
        yield Usage(
            system=system,
            rows=len(rows),
            failed=sum(bool(row["error"]) for row in rows),
            input_tokens=fmean(row["input_tokens"] for row in rows),
            output_tokens=fmean(row["output_tokens"] for row in rows),
            seconds=fmean(row["seconds"] for row in rows),
            seconds_median=median(row["seconds"] for row in rows),
        )


def _by_slice(scored: Sequence[Scored]) -> dict[tuple[str, str, str], list[Scored]]:
    grouped: dict[tuple[str, str, str], list[Scored]] = {}
    for row in scored:
        for name in dict.fromkeys((ALL, row["slice"])):
            grouped.setdefault((row["system"], row["part"], name), []).append(row)
    return grouped


def _systems(
    config: EvaluateConfig,
    teacher: TeachConfig,
    base: AnyModel | None,
    student: Student,
    champion: Student | None,
    rows: Sequence[Kept],
) -> Iterator[System]:
    prompt = teacher.prompt.text()
    limits = teacher.max_output_tokens, teacher.temperature, teacher.schema_asked_for
    yield System("teacher", teacher.model, prompt, *limits)
    if base is not None:
        yield System("base", base, prompt, config.max_output_tokens)
    yield System("student", *_served(student, rows, required=True), config.max_output_tokens)
    if champion is not None:
        yield System("champion", *_served(champion, rows, required=False), config.max_output_tokens)


def _served(student: Student, rows: Sequence[Kept], required: bool) -> tuple[AnyModel, str]:
    """Who answers for a student, shown by the shortest row, and what it is told before a conversation."""
    model, prompt = load_student(student)
    if not isinstance(model, Local):
        return model, prompt
    shortest = min(rows, key=lambda row: sum(len(message["content"]) for message in row["messages"]))
    return answering(model, prompted(prompt, shortest), required), prompt


@task(name="evaluate", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def evaluate(
    config: EvaluateConfig,
    teacher: TeachConfig,
    base: AnyModel | None,
    student: Student,
    champion: Student | None,
    holdout: Dataset,
    unseen: Dataset,
    budget: Budget,
) -> Evaluated:
    """Ask teacher, base, student and champion the same rows, and score them by one code path."""
    started = time.monotonic()
    parts: dict[str, list[Kept]] = {
        name: list(Store().read_rows(part)) for name, part in (("holdout", holdout), ("unseen", unseen))
    }
    rows = [row for own in parts.values() for row in own]
    systems = Systems(
        list(_systems(config, teacher, base, student, champion, rows)), config.scorers, Hand("evaluate", budget)
    )
    scored = [each for system in systems for each in systems.scored(system.name, parts)]
    made = Made(
        stage="evaluate",
        version=VERSION,
        config=config.model_dump(mode="json"),
        parents={"student": student.fingerprint, "holdout": holdout.fingerprint, "unseen": unseen.fingerprint},
    )
    return Evaluated(
        answers=Store().write_rows(scored, Scored, made),
        scores=Scores(estimates=list(estimates(scored)), differences=list(differences(scored))),
        usage=list(usage(scored)),
        asked=systems.asked,
        tally=Tally(
            rows_in=len(rows) * len(list(systems)),
            outcomes=Counter(failure(row["error"]) if row["error"] else "answered" for row in scored),
        ),
        seconds=time.monotonic() - started,
    )
