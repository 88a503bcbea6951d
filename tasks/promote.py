"""promote: evaluation → decision. Does it go on stage?"""

import time
from collections.abc import Iterator, Sequence
from typing import Literal

from prefect import task
from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import Dataset, Result, Student, Tally, digest
from tasks.caching import BY_CONTENT, content
from tasks.evidence import ALL, Estimate, FailureMode, Reason, Scores, Verdict, Wear
from tasks.gate import Earlier, GateRule, judge, wear
from tasks.registry import Decision as Recorded
from tasks.registry import Registry
from tasks.store import Store

VERSION = "4"
MOST_FAILED = 0.1
"""The share of rows without an answer above which a system's scores say too little."""


class PromoteConfig(BaseModel):
    """What a student must show to go on stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: list[GateRule] = Field(min_length=1, description="All of them must hold.")
    failure_modes: Literal["reject", "report"] = Field(
        default="reject", description="Whether a failure mode that shows rejects the student, or is only said."
    )
    error_rate: float = Field(
        default=0.05,
        ge=0.001,
        le=0.5,
        description="The chance that, of all the students that one holdout ever decides on, any passes a rule that it "
        "does not truly meet. Each further decision is held to wider intervals, until the holdout is worn out.",
    )
    approval: Literal["human"] | None = Field(
        default=None, description="`human`: what the rules promote waits until a person approves it."
    )
    approval_timeout_seconds: float = Field(
        default=86_400, gt=0, le=30 * 86_400, description="How long it waits; after that it is rejected."
    )


class Decision(Result):
    """The verdict and its reasons."""

    verdict: Verdict
    reasons: list[Reason]
    wear: Wear


def decide(
    config: PromoteConfig,
    scores: Scores,
    failure_modes: Sequence[FailureMode],
    wear: Wear,
    ceiling: Sequence[Estimate] = (),
) -> tuple[Verdict, list[Reason]]:
    """The verdict: reject where anything fails, inconclusive where anything is not settled, promote where all holds."""
    measured = Scores(
        estimates=[*scores.estimates, *(each for mode in failure_modes for each in mode.estimates)],
        differences=[*scores.differences, *(each for mode in failure_modes for each in mode.differences)],
    )
    reasons = [reason for rule in config.rules for reason in judge(rule, measured, wear.confidence, ceiling)]
    reasons += [
        *unanswering(config.rules, scores),
        *shown(failure_modes, config.failure_modes == "reject"),
        worn_out(wear),
    ]
    holds = {reason.holds for reason in reasons if reason.blocks}
    return ("reject" if "no" in holds else "inconclusive" if "unsettled" in holds else "promote"), reasons


def unanswering(rules: Sequence[GateRule], scores: Scores) -> Iterator[Reason]:
    """Systems that failed on too many held-out rows: no such student passes, and to beat such a one shows nothing."""
    compared = {"student"} | {system for rule in rules for system in rule.systems}
    rows = {each.system: each for each in scores.estimates if (each.part, each.slice) == ("holdout", ALL)}
    for system, seen in rows.items():
        if system in compared and seen.failed > MOST_FAILED * seen.n:
            words = f"the {system} gave no answer to {seen.failed} of {seen.n} rows of holdout"
            yield Reason(holds="no" if system == "student" else "unsettled", words=words)


def shown(failure_modes: Sequence[FailureMode], reject: bool) -> Iterator[Reason]:
    """What the failure modes say: one that shows rejects, or is only said; what is not settled is only said."""
    for mode in failure_modes:
        if mode.fires == "yes":
            only_said = "" if reject else " (failure_modes: report, so it does not decide)"
            yield Reason(holds="no", words=f"{mode.mode}: {mode.words}{only_said}", blocks=reject)
        elif mode.fires == "unsettled":
            yield Reason(holds="unsettled", words=f"{mode.mode} may show: {mode.words}", blocks=False)
    quiet = [mode for mode in failure_modes if mode.fires == "no"]
    if seen := [mode.mode for mode in quiet if mode.measured]:
        yield Reason(holds="yes", words=f"not seen in the student: {', '.join(seen)}")
    if unmeasured := [mode.mode for mode in quiet if not mode.measured]:
        yield Reason(holds="unsettled", words=f"not measured: {', '.join(unmeasured)}", blocks=False)


def worn_out(wear: Wear) -> Reason:
    """A holdout that is worn out promotes nobody: its verdict is inconclusive at best, until fresh rows are held out.

    It still rejects: the error that its rows may make by now is to let a student pass.
    """
    return Reason(holds="unsettled" if wear.fresh_rows else "yes", words=wear.words, rows_to_settle=wear.fresh_rows)


def worn(project: str, config: PromoteConfig, student: Student, holdout: Dataset, judged_by: str) -> Wear:
    """How worn the holdout is when it decides on a student, by what its rows ask and what it decided before.

    The same student judged by other rules or scorers, or against another rival, is another decision.
    """
    history = [Earlier(_named(each), _rows(each.holdout)) for each in Registry().decisions(project)]
    return wear(_named(Recorded(student, holdout, judged_by)), _rows(holdout), history, config.error_rate)


def judged_by(config: PromoteConfig, evaluate: BaseModel, rival: Student | None) -> str:
    """What tells a decision on a student from another on the same rows: rules, scorers and rival."""
    rules = config.rules, config.failure_modes, config.error_rate
    return digest(content([rules, evaluate, rival]))


def _named(decision: Recorded) -> str:
    return digest([decision.student.fingerprint, decision.holdout.fingerprint, decision.judged_by])


def _rows(dataset: Dataset) -> frozenset[str]:
    """Rows by what is asked in them: another id, or another reference, makes no fresh row."""
    return frozenset(digest(row["messages"]) for row in Store().read_rows(dataset, ["messages"]))


@task(name="promote", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def promote(
    config: PromoteConfig, scores: Scores, failure_modes: list[FailureMode], wear: Wear, ceiling: list[Estimate]
) -> Decision:
    """Decide on the evidence whether the student goes on stage."""
    started = time.monotonic()
    verdict, reasons = decide(config, scores, failure_modes, wear, ceiling)
    return Decision(
        verdict=verdict,
        reasons=reasons,
        wear=wear,
        tally=Tally(rows_in=1, outcomes={verdict: 1}),
        seconds=time.monotonic() - started,
    )
