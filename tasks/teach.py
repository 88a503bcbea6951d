"""teach: inputs → outputs. What does the teacher answer?"""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from prefect import task
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.artifacts import Dataset, Made, Result, Tally, canonical
from tasks.caching import BY_CONTENT
from tasks.errors import ProjectError, StageFailed
from tasks.files import File
from tasks.models import (
    CUT_OFF,
    REFUSED,
    Answer,
    AnyModel,
    Asked,
    Budget,
    Hand,
    Local,
    Question,
    Request,
    failure,
    together,
)
from tasks.models.chat import prompted
from tasks.rows import AnswerKey, Input, Output
from tasks.scorers.parsing import refuse_constant
from tasks.store import Store

VERSION = "2"


class TeachConfig(BaseModel):
    """Who teaches, and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: AnyModel = Field(description="The teacher.")
    others: list[AnyModel] = Field(default=[], description="More teachers, asked the same; `agreement` sifts them.")
    prompt: File = Field(description="The teacher's instruction, sent as the system message.")
    output_schema: File | None = Field(
        default=None, description="A JSON Schema that the provider holds the answer to (structured output)."
    )
    max_output_tokens: int = Field(default=512, ge=1, description="The longest answer, in the teacher's tokens.")
    temperature: float | None = Field(
        default=None, ge=0, description="0 for the likeliest answer; the provider's own where not set."
    )
    samples: int = Field(default=1, ge=1, description="How often each teacher answers a row; `agreement` sifts them.")
    max_failed_share: float = Field(
        default=0.1, ge=0, le=1, description="The share of failed rows above which the stage stops."
    )

    @model_validator(mode="after")
    def _worth_asking_again(self) -> "TeachConfig":
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("samples: at temperature 0 they are all the same; raise it, or leave it to the provider")
        if self.samples > 1 and any(isinstance(teacher, Local) for teacher in self.teachers):
            raise ValueError("samples: a local model answers greedily, so they are all the same; set samples: 1")
        if self.temperature is not None and any(getattr(each, "thinking_tokens", None) for each in self.teachers):
            raise ValueError("temperature: a model that thinks takes none; leave it out")
        identities = [canonical(teacher.identity()) for teacher in self.teachers]
        if len(set(identities)) < len(identities):
            raise ValueError("others: a teacher stands here twice; ask it more often with samples")
        return self

    @property
    def teachers(self) -> list[AnyModel]:
        """Everyone who is asked, the first one first."""
        return [self.model, *self.others]

    @cached_property
    def schema_asked_for(self) -> dict[str, Any] | None:
        """The JSON Schema. Raises `ProjectError` where the file holds none."""
        if self.output_schema is None:
            return None
        try:
            schema = json.loads(self.output_schema.text(), parse_constant=refuse_constant)
        except ValueError as error:
            raise ProjectError(f"{self.output_schema.path}: not valid JSON: {error}. Mend the file.") from error
        if not isinstance(schema, dict):
            raise ProjectError(f"{self.output_schema.path}: not a JSON Schema, which is an object. Mend the file.")
        return schema


class Taught(Result):
    """The outputs, and how many of them had to be asked for: the others were in the ledger."""

    outputs: Dataset
    asked: int


def questions(rows: Iterable[Input], config: TeachConfig) -> Iterator[Question]:
    """What each teacher is asked: a request a row and sample."""
    prompt = config.prompt.text()
    for row in rows:
        messages = prompted(prompt, row)
        for sample in range(config.samples):
            request = Request(
                messages=messages,
                max_output_tokens=config.max_output_tokens,
                temperature=config.temperature,
                sample=sample,
                output_schema=config.schema_asked_for,
            )
            yield Question(row["id"], request)


def names(teachers: Sequence[AnyModel]) -> list[str]:
    """What each teacher is called in the outputs: its model, and a number where another is called so."""
    called = [str(getattr(teacher, "model", teacher.provider)) for teacher in teachers]
    return [name if called.count(name) == 1 else f"{name} {at + 1}" for at, name in enumerate(called)]


def outputs(rows: Iterable[Input], name: str, answers: Iterable[Answer], samples: int) -> Iterator[Output]:
    """Rows with a teacher's answers, aligned."""
    given = iter(answers)
    for row in rows:
        for sample in range(samples):
            answer = next(given)
            yield Output(
                **row,
                teacher=name,
                sample=sample,
                text=answer.text,
                reasoning=answer.reasoning,
                finish_reason=answer.finish_reason,
                error=answer.error,
            )


def answer_keys(rows: Iterable[Input], name: str, keys: Iterable[str], samples: int) -> Iterator[AnswerKey]:
    """Where each of a teacher's outputs comes from, in the order of the outputs."""
    given = iter(keys)
    for row in rows:
        for sample in range(samples):
            yield AnswerKey(id=row["id"], teacher=name, sample=sample, key=next(given))


def outcome(output: Output) -> str:
    """What became of a request, in a word."""
    if output["error"]:
        return failure(output["error"])
    if output["finish_reason"] in REFUSED:
        return "refused"
    return "cut_off" if output["finish_reason"] in CUT_OFF else "answered"


def _refuse_failures(config: TeachConfig, asked: Asked) -> None:
    failed = asked.failures
    if failed > config.max_failed_share * len(asked):
        first = next(iter(asked.failed.values()))
        raise StageFailed(
            f"teach: {failed} of {len(asked)} requests failed; the first: {first.error}. What was answered is kept in "
            "the ledger. Mend the cause and run again, or raise teach.max_failed_share."
        )


@task(name="teach", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def teach(config: TeachConfig, inputs: Dataset, budget: Budget) -> Taught:
    """Ask the teacher for an answer to each input."""
    started = time.monotonic()
    store, hand, outcomes = Store(), Hand("teach", budget), Counter[str]()

    def ask(teacher: AnyModel) -> Asked:
        answered = hand.ask(teacher, questions(store.read_rows(inputs), config), inputs.rows * config.samples)
        _refuse_failures(config, answered)
        return answered

    asked = together(partial(ask, teacher) for teacher in config.teachers)

    def given() -> Iterator[Output]:
        for name, answered in zip(names(config.teachers), asked, strict=True):
            for output in outputs(store.read_rows(inputs), name, answered.answers(), config.samples):
                outcomes[outcome(output)] += 1
                yield output

    def keys() -> Iterator[AnswerKey]:
        for name, answered in zip(names(config.teachers), asked, strict=True):
            yield from answer_keys(store.read_rows(inputs, ["id"]), name, answered.keys, config.samples)

    parents = {"inputs": inputs.fingerprint, "prompt": config.prompt.fingerprint}
    made = Made(stage="teach", version=VERSION, config=config.model_dump(mode="json"), parents=parents)
    answers = store.write_rows(keys(), AnswerKey, made)
    made = made.model_copy(update={"parents": parents | {"answers": answers.fingerprint}})
    return Taught(
        outputs=store.write_rows(given(), Output, made),
        asked=sum(answered.asked for answered in asked),
        tally=Tally(rows_in=inputs.rows * config.samples * len(asked), outcomes=dict(outcomes)),
        seconds=time.monotonic() - started,
    )
