"""Forgetting: what the base could do in general and the student cannot any more."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import ALL, FailureMode, Holds
from tasks.failure_modes.checks import Check
from tasks.failure_modes.shown import Shares, compared
from tasks.failure_modes.verdicts import (
    FEWEST_ROWS,
    WITHOUT_BASE,
    difference,
    estimate,
    fires,
    not_measured,
    percent,
    too_many_failed,
    worst,
)
from tasks.files import read_models
from tasks.models import Answer, Local
from tasks.models.likelihood import answer_losses
from tasks.rows import Input, Message
from tasks.statistics import Interval, mean_interval
from tasks.systems import Systems

_COMPARED = ("student", "base")

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


class _Asked(NamedTuple):
    """A prompt, and whether student and base passed it, 1 or 0."""

    general: General
    student: float
    base: float


class Forgetting(BaseModel):
    """Fires where the student has lost what its base knows of the general suite, both without the task's instruction.

    A student of one narrow task answers everything in its task's form, which is a habit and harms nobody. What decides
    is whether it still finds the right answer to a prompt likelier than a wrong one, by the mean loss a token, where
    its base does, which takes the weights of both: one that guesses loses half of that. What they say when asked is
    shown beside it, and decides where `answered` is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.2, ge=0, le=1, description="The share of what the base knows that it may lose; guessing loses half."
    )
    answered: float | None = Field(
        default=None, ge=0, le=1, description="The share of what the base answers that it may lose; any where left out."
    )
    max_output_tokens: int = Field(default=32, ge=8, description="The longest answer to a prompt of the suite.")

    def examine(self, systems: Systems) -> FailureMode:
        """What base and student say to the prompts of the general suite, and what they know of it."""
        if "base" not in systems:
            return not_measured("forgetting", self.threshold, WITHOUT_BASE)
        rows = [each.row() for each in suite()]
        said = [
            systems.answers(name, rows, "in general", instructed=False, max_output_tokens=self.max_output_tokens)
            for name in _COMPARED
        ]
        failed = [any(answer.error for answer in both) for both in zip(*said, strict=True)]
        passed = [[each.passes(answer) for each, answer in zip(suite(), own, strict=True)] for own in said]
        local = [weights for name in _COMPARED if (weights := systems[name].weights) is not None]
        known = [_known(model) for model in local] if len(local) == len(_COMPARED) else []
        return self.judge(passed, known, failed)

    def judge(
        self, passed: Sequence[Sequence[float]], known: Sequence[Sequence[float]], failed: Sequence[bool] = ()
    ) -> FailureMode:
        """What student and base passed of the suite, in its order, and what they know of it, where that is known.

        Prompts to which an answer `failed` are left out of what they passed, and all are where many failed.
        """
        lost_answers = too_many_failed(sum(failed), len(suite()))
        if lost_answers and not known:
            why = f"{sum(failed)} of {len(suite())} prompts have an answer that failed"
            return not_measured("forgetting", self.threshold, why)
        by_metric = ({} if lost_answers else {"passed": passed}) | ({"known": known} if known else {})
        left_out = {"passed": failed or [False] * len(suite()), "known": [False] * len(suite())}
        asked = {
            (metric, ability): _of_ability(ability, left_out[metric], *both)
            for metric, both in by_metric.items()
            for ability in (ALL, *_abilities())
        }
        found = {part: _compared(each) for part, each in asked.items()}
        lost = {part: _lost(each) for part, each in asked.items() if any(base for _, _, base in each)}
        bounds = {"passed": self.answered, "known": self.threshold}
        tests: list[Holds] = [
            fires(bound, lost[metric, ALL])
            for metric in by_metric
            if (bound := bounds[metric]) is not None and (metric, ALL) in lost and lost[metric, ALL].n >= FEWEST_ROWS
        ]
        decides = "known" if known else "passed"
        of_what = [(name, lost[decides, name]) for name in (ALL, *_abilities()) if (decides, name) in lost]
        return FailureMode(
            mode="forgetting",
            fires=worst(*tests),
            words="; ".join(_words(metric, found[metric, ALL]) for metric in by_metric)
            + (f"; {_words_of_loss(of_what)}" if of_what else "; the base has nothing to lose")
            + (f"; {sum(failed)} prompts have an answer that failed" if any(failed) else "")
            + ("" if tests else ", which decides nothing: set `answered`, or keep the weights of both at hand"),
            threshold=self.threshold,
            measured=bool(tests),
            estimates=[
                *(estimate(each, "forgetting", "general", slice=name) for name, each in of_what),
                *(estimate(each.student, metric, "general", slice=name) for (metric, name), each in found.items()),
                *(estimate(each.other, metric, "general", "base", name) for (metric, name), each in found.items()),
            ],
            differences=[
                difference(each.difference, metric, "general", "base", name) for (metric, name), each in found.items()
            ],
            examples=[each.prompt for each, own, other in zip(suite(), *(known or passed), strict=True) if other > own][
                :3
            ],
        )


@cache
def suite() -> tuple[General, ...]:
    """The general suite that ships with the project."""
    with as_file(files("tasks.failure_modes").joinpath("general.jsonl")) as path:
        return tuple(general for _, general in read_models(path, General))


def _abilities() -> list[Ability]:
    return list(dict.fromkeys(each.ability for each in suite()))


def _known(model: Local) -> list[float]:
    """1 for each prompt whose right answer is likelier to the model than its wrong one, else 0."""
    asked = [(each.row()["messages"], answer) for each in suite() for answer in (each.right, each.wrong)]
    losses = answer_losses(model, asked)
    return [float(right < wrong) for right, wrong in zip(losses[::2], losses[1::2], strict=True)]


def _of_ability(
    ability: str, left_out: Sequence[bool], student: Sequence[float], base: Sequence[float]
) -> list[_Asked]:
    asked = zip(suite(), student, base, left_out, strict=True)
    return [_Asked(each, own, other) for each, own, other, out in asked if not out and ability in (ALL, each.ability)]


def _compared(asked: Sequence[_Asked]) -> Shares:
    return compared([own for _, own, _ in asked], [base for _, _, base in asked], [each.id for each, _, _ in asked])


def _lost(asked: Sequence[_Asked]) -> Interval:
    """The share of what the base passed that the student did not."""
    could = [each for each in asked if each.base]
    return mean_interval([1 - own for _, own, _ in could], [each.id for each, _, _ in could])


def _words(metric: str, found: Shares) -> str:
    how = {"passed": "answers", "known": "finds the right answer likelier to"}[metric]
    both = f"{percent(found.student)} of {found.student.n} general prompts, the base {percent(found.other)}"
    return f"the student {how} {both}"


def _words_of_loss(lost: Sequence[tuple[str, Interval]]) -> str:
    (_, whole), *abilities = lost
    by_ability = ", ".join(f"{ability} {each.mean:.0%}" for ability, each in abilities)
    return f"of {whole.n} that the base can, it lost {percent(whole)} ({by_ability})"
