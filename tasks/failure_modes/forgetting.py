"""Forgetting: what the base could do in general and the student cannot any more."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import ALL, FailureMode
from tasks.failure_modes.checks import Check
from tasks.failure_modes.shown import Compared, compared
from tasks.failure_modes.verdicts import (
    FEWEST_ROWS,
    difference,
    estimate,
    fires,
    not_measured,
    opposite,
    percent,
    points,
)
from tasks.files import read_models
from tasks.models import Answer
from tasks.rows import Input, Message
from tasks.systems import Systems

Ability = Literal["instructions", "arithmetic", "facts", "format", "refusal"]


class General(BaseModel):
    """A prompt of the general suite, its check, and an answer that passes it and one that does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    ability: Ability
    prompt: str
    check: Check
    right: str
    wrong: str

    def row(self) -> Input:
        """The prompt as a row that a system is asked."""
        return Input(
            id=self.id, messages=[Message(role="user", content=self.prompt)], slice=self.ability, group=self.id
        )

    def passes(self, answer: Answer) -> float:
        """1 where an answer passes the check, else 0."""
        return float(not answer.error and self.check.passes(self.prompt, answer.text))


class Forgetting(BaseModel):
    """Fires where the student passes fewer prompts of the general suite than its base, both asked without instruction.

    A student of one narrow task always forgets some, and need not do anything else: the default lets it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.2, ge=0, le=1, description="The share of the suite's prompts that base passes and student does not."
    )
    max_output_tokens: int = Field(default=32, ge=8, description="The longest answer to a prompt of the suite.")

    def examine(self, systems: Systems) -> FailureMode:
        """What base and student say to the prompts of the general suite."""
        rows = [each.row() for each in suite()]
        student, base = (
            systems.answers(name, rows, "in general", instructed=False, max_output_tokens=self.max_output_tokens)
            for name in ("student", "base")
        )
        return self.judge(student, base)

    def judge(self, student: Sequence[Answer], base: Sequence[Answer]) -> FailureMode:
        """What these answers to the suite, in its order, show."""
        able = sum(each.passes(answer) for each, answer in zip(suite(), base, strict=True))
        if able < FEWEST_ROWS:
            return not_measured("forgetting", self.threshold, f"the base passes {able:g} of {len(base)} prompts")
        found = {name: _passed(name, student, base) for name in (ALL, *_abilities())}
        lost = {name: opposite(each.difference) for name, each in found.items()}
        return FailureMode(
            mode="forgetting",
            fires=fires(self.threshold, lost[ALL]),
            words=f"of {len(base)} general prompts the base passes {percent(found[ALL].other)} and the student "
            f"{percent(found[ALL].student)}: it lost {points(lost[ALL])} ("
            + ", ".join(f"{name} {points(lost[name])}" for name in _abilities())
            + ")",
            threshold=self.threshold,
            estimates=[
                *(estimate(lost[name], "forgetting", "general", slice=name) for name in found),
                *(estimate(each.student, "passed", "general", slice=name) for name, each in found.items()),
                *(estimate(each.other, "passed", "general", "base", name) for name, each in found.items()),
            ],
            differences=[
                difference(each.difference, "passed", "general", "base", name) for name, each in found.items()
            ],
            examples=[
                f"{each.prompt} {own.text[:80]!r}, base: {other.text[:80]!r}"
                for each, own, other in zip(suite(), student, base, strict=True)
                if each.passes(other) > each.passes(own)
            ][:3],
        )


@cache
def suite() -> tuple[General, ...]:
    """The general suite that ships with the project."""
    with as_file(files("tasks.failure_modes").joinpath("general.jsonl")) as path:
        return tuple(general for _, general in read_models(path, General))


def _abilities() -> list[Ability]:
    return list(dict.fromkeys(each.ability for each in suite()))


def _passed(ability: str, student: Sequence[Answer], base: Sequence[Answer]) -> Compared:
    asked = [
        (each, own, other)
        for each, own, other in zip(suite(), student, base, strict=True)
        if ability in (ALL, each.ability)
    ]
    return compared(
        [each.passes(own) for each, own, _ in asked],
        [each.passes(other) for each, _, other in asked],
        [each.id for each, _, _ in asked],
    )
