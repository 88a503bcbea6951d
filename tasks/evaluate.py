"""evaluate: student, holdout, unseen → evaluation. How good is it, against what, and how sure are we?"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from prefect import task
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import Dataset, Made, Result, Student, Tally
from tasks.caching import BY_CONTENT
from tasks.ceiling import ceiling
from tasks.evidence import Estimate, FailureMode, Judging, PromptTried, Scores, Usage
from tasks.failure_modes import FailureModes, examine, measured
from tasks.few_shot import FewShot
from tasks.judges import AnyScorer, PreferenceScorer, RubricScorer
from tasks.judging import judge, preferred_over
from tasks.measures import differences, estimates, macro_f1, usage
from tasks.models import AnyModel, Budget, Hand, failure, together
from tasks.models.chat import prompted
from tasks.models.served import answering
from tasks.rows import Kept, Scored
from tasks.scorers import Labels, Scorer
from tasks.split import Parts
from tasks.store import Store
from tasks.systems import System, Systems
from tasks.teach import TeachConfig
from tasks.trainers import load_student

VERSION = "5"


class EvaluateConfig(BaseModel):
    """How answers are judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorers: list[AnyScorer] = Field(
        min_length=1, description="Each gives a metric of its name; a judge gives several."
    )
    max_output_tokens: int = Field(
        default=128, ge=1, description="The longest answer of base, student and champion, in their tokens."
    )
    few_shot: FewShot = Field(default=FewShot(), description="How the base's best prompt is found.")
    failure_modes: FailureModes = Field(default=FailureModes(), description="What is looked for that goes wrong.")

    def plain(self) -> list[Scorer]:
        """The scorers that are no judges."""
        return [scorer for scorer in self.scorers if not isinstance(scorer, RubricScorer | PreferenceScorer)]

    def judges(self) -> list[RubricScorer | PreferenceScorer]:
        """The scorers that ask a model."""
        return [scorer for scorer in self.scorers if isinstance(scorer, RubricScorer | PreferenceScorer)]

    def metrics(self) -> list[str]:
        """The names of everything that is measured on answers."""
        return [name for scorer in self.scorers for name in _metrics(scorer)]

    def of_each_answer(self) -> list[str]:
        """The metrics that an answer has by itself, whoever else answered and whatever other rows there are."""
        rubrics = [name for scorer in self.rubrics() for name in scorer.metrics()]
        return [*(scorer.name for scorer in self.plain()), *rubrics]

    def rubrics(self) -> list[RubricScorer]:
        """The judges that grade an answer by itself."""
        return [scorer for scorer in self.scorers if isinstance(scorer, RubricScorer)]

    def opponents(self) -> dict[str, str]:
        """Whom the student is compared with, by the metric that only the student has for it."""
        preferences = [scorer for scorer in self.scorers if isinstance(scorer, PreferenceScorer)]
        return {preferred_over(scorer, name): name for scorer in preferences for name in scorer.versus}

    def labels(self) -> list[Labels]:
        """The scorers of labels, which give a macro-F1 over rows too."""
        return [scorer for scorer in self.scorers if isinstance(scorer, Labels)]

    def without_failure_modes(self) -> "EvaluateConfig":
        """The same, but that nothing is looked for beside the scores."""
        return self.model_copy(update={"failure_modes": FailureModes(**dict.fromkeys(FailureModes.model_fields))})


def metric_names(config: EvaluateConfig) -> dict[str, set[str]]:
    """The metrics that will be measured, by the part of the rows that they are measured on."""
    names, modes = set(config.metrics()), measured(config.failure_modes)
    answered = {part: names | modes.get(part, set()) for part in ("holdout", "unseen")}
    return modes | answered


class Evaluated(Result):
    """Every system's answers to the same rows, and what they amount to.

    `unanswered` are the requests to systems and judges, for these rows or others, that failed and may be answered yet.
    """

    answers: Dataset
    scores: Scores
    ceiling: list[Estimate]
    prompts: list[PromptTried]
    judging: list[Judging]
    failure_modes: list[FailureMode]
    usage: list[Usage]
    asked: int
    unanswered: int = 0


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
    yield _served(System("student", *load_student(student), config.max_output_tokens), rows, required=True)
    if champion is not None:
        yield _served(System("champion", *load_student(champion), config.max_output_tokens), rows, required=False)


def _served(system: System, rows: Sequence[Kept], required: bool) -> System:
    """A student with who answers for it, shown by the shortest row; its weights stay at hand."""
    if system.weights is None:
        return system
    shortest = min(rows, key=lambda row: sum(len(message["content"]) for message in row["messages"]))
    service = answering(system.weights, prompted(system.prompt, shortest), required)
    return system._replace(model=service, served=system.weights)


@task(name="evaluate", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def evaluate(
    config: EvaluateConfig,
    teacher: TeachConfig,
    base: AnyModel | None,
    student: Student,
    champion: Student | None,
    parts: Parts,
    outputs: Dataset,
    budget: Budget,
) -> Evaluated:
    """Ask teacher, base, student and champion the same rows, and score them by one code path."""
    started = time.monotonic()
    judged = {"holdout": _read(parts.holdout), "unseen": _read(parts.unseen)}
    rows = [row for own in judged.values() for row in own]
    hand = Hand("evaluate", budget)
    systems = Systems(list(_systems(config, teacher, base, student, champion, rows)), config.plain(), hand)
    trained = _read(parts.train)
    prompts = config.few_shot.choose(systems, trained, _read(parts.validation)) if base is not None else []
    by_system = together(partial(systems.scored, system.name, judged) for system in systems)
    answered = [each for own in by_system for each in own]
    labels = config.labels()
    modes = examine(config.failure_modes, systems, trained, judged["holdout"], judged["unseen"], answered)
    scored, judging = judge(config.judges(), hand, rows, answered)
    made = Made(
        stage="evaluate",
        version=VERSION,
        config=config.model_dump(mode="json"),
        parents={"student": student.fingerprint} | {name: part.fingerprint for name, part in parts},
    )
    return Evaluated(
        answers=Store().write_rows(scored, Scored, made),
        scores=Scores(estimates=list(estimates(scored, labels)), differences=list(differences(scored, labels))),
        ceiling=ceiling(scored, Store().read_rows(outputs), rows, config.plain()),
        prompts=prompts,
        judging=judging,
        failure_modes=modes,
        usage=list(usage(scored)),
        asked=systems.asked,
        unanswered=hand.failed,
        tally=Tally(
            rows_in=len(rows) * len(list(systems)),
            outcomes=Counter(failure(row["error"]) if row["error"] else "answered" for row in scored),
        ),
        seconds=time.monotonic() - started,
    )


def _metrics(scorer: AnyScorer) -> list[str]:
    match scorer:
        case RubricScorer():
            return scorer.metrics()
        case PreferenceScorer():
            return [preferred_over(scorer, opponent) for opponent in scorer.versus]
        case Labels():
            return [scorer.name, macro_f1(scorer)]
        case _:
            return [scorer.name]


def _read(part: Dataset) -> list[Kept]:
    return list(Store().read_rows(part))
