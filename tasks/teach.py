"""teach: inputs → outputs. What does the teacher answer?"""

import time
from collections import Counter
from collections.abc import Sequence

from prefect import task
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import Dataset, Made, Result, Store, Tally
from tasks.caching import BY_CONTENT
from tasks.errors import StageFailed
from tasks.files import File
from tasks.models import CUT_OFF, Answer, AnyModel, Asked, Ledger, Request, ask
from tasks.progress import Progress
from tasks.rows import Input, Message, Output

VERSION = "1"


class TeachConfig(BaseModel):
    """Who teaches, and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: AnyModel = Field(description="The teacher.")
    prompt: File = Field(description="The teacher's instruction, sent as the system message.")
    max_output_tokens: int = Field(default=512, ge=1, description="The longest answer, in the teacher's tokens.")
    temperature: float = Field(default=0.0, ge=0, description="0 for the teacher's likeliest answer.")
    max_failed_share: float = Field(
        default=0.1, ge=0, le=1, description="The share of failed rows above which the stage stops."
    )


class Taught(Result):
    """The outputs, and how many of them had to be asked for: the others were in the ledger."""

    outputs: Dataset
    asked: int


def prompted(prompt: str, row: Input) -> list[Message]:
    """A row's conversation with the instruction before it, or as it is where there is none."""
    return [Message(role="system", content=prompt), *row["messages"]] if prompt else row["messages"]


def requests(rows: Sequence[Input], config: TeachConfig) -> list[Request]:
    """What the teacher is asked, a request a row."""
    prompt = config.prompt.text()
    return [
        Request(
            messages=prompted(prompt, row),
            max_output_tokens=config.max_output_tokens,
            temperature=config.temperature,
        )
        for row in rows
    ]


def outputs(rows: Sequence[Input], answers: Sequence[Answer]) -> list[Output]:
    """Rows with their answers, aligned."""
    return [
        Output(**row, text=answer.text, finish_reason=answer.finish_reason, error=answer.error)
        for row, answer in zip(rows, answers, strict=True)
    ]


def _outcome(answer: Answer) -> str:
    if answer.error:
        return "failed"
    return "cut_off" if answer.finish_reason in CUT_OFF else "answered"


def _refuse_failures(config: TeachConfig, asked: Asked) -> None:
    failed = [answer.error for answer in asked.answers if answer.error]
    if len(failed) > config.max_failed_share * len(asked.answers):
        raise StageFailed(
            f"teach: {len(failed)} of {len(asked.answers)} requests failed; the first: {failed[0]}. What was answered "
            "is kept in the ledger. Mend the cause and run again, or raise teach.max_failed_share."
        )


@task(name="teach", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def teach(config: TeachConfig, inputs: Dataset) -> Taught:
    """Ask the teacher for an answer to each input."""
    started = time.monotonic()
    rows: list[Input] = list(Store().read_rows(inputs))
    asked = ask(config.model, requests(rows, config), Ledger(), Progress("teach", len(rows)))
    _refuse_failures(config, asked)
    made = Made(
        stage="teach",
        version=VERSION,
        config=config.model_dump(mode="json"),
        parents={"inputs": inputs.fingerprint, "prompt": config.prompt.fingerprint},
    )
    return Taught(
        outputs=Store().write_rows(outputs(rows, asked.answers), Output, made),
        asked=asked.asked,
        tally=Tally(rows_in=len(rows), outcomes=Counter(map(_outcome, asked.answers))),
        seconds=time.monotonic() - started,
    )
