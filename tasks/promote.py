"""promote: evaluation → decision. Does it go on stage?"""

import time
from collections.abc import Sequence
from typing import Literal, NamedTuple

from prefect import task
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.artifacts import Result, Tally
from tasks.caching import BY_CONTENT
from tasks.evidence import ALL, Estimate, Holds, Reason, Scores, Verdict
from tasks.statistics import Interval, rows_to_settle

VERSION = "2"


class GateRule(BaseModel):
    """What must hold of a metric: on the interval's bound, not on the mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(description="The name of a scorer.")
    of: Literal["student"] = Field(default="student", description="Who must hold to it.")
    versus: Literal["teacher", "base", "champion"] | None = Field(
        default=None, description="Who it is compared with, row by row."
    )
    part: Literal["holdout", "unseen"] = Field(default="holdout", description="The rows that decide.")
    slice: str = Field(default=ALL, description="The slice that decides; all of them together where it is not set.")
    at_least: float | None = Field(default=None, ge=0, le=1, description="The lower bound must reach this.")
    at_most: float | None = Field(default=None, ge=0, le=1, description="The upper bound must not pass this.")
    better_by: float | None = Field(default=None, ge=0, le=1, description="The lower bound must pass this.")
    not_worse_by: float | None = Field(default=None, ge=0, le=1, description="The lower bound must reach minus this.")

    @model_validator(mode="after")
    def _one_bound(self) -> "GateRule":
        absolute = [self.at_least, self.at_most]
        relative = [self.better_by, self.not_worse_by]
        wanted, others = (relative, absolute) if self.versus else (absolute, relative)
        if sum(bound is not None for bound in wanted) != 1 or any(bound is not None for bound in others):
            raise ValueError(
                "give one of at_least and at_most, or versus together with one of better_by and not_worse_by"
            )
        return self


class PromoteConfig(BaseModel):
    """What a student must show to go on stage."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: list[GateRule] = Field(min_length=1, description="All of them must hold.")


class Decision(Result):
    """The verdict and its reasons."""

    verdict: Verdict
    reasons: list[Reason]


class _Test(NamedTuple):
    """What a rule measures, the bound, on which side of it the measure must lie, and the bound in words."""

    measured: Interval
    bound: float
    side: Literal["above", "at_or_above", "at_or_below"]
    words: str


def decide(rules: Sequence[GateRule], scores: Scores) -> tuple[Verdict, list[Reason]]:
    """The verdict: reject where a rule fails, inconclusive where one is not settled, promote where all hold."""
    reasons = [judge(rule, scores) for rule in rules]
    holds = {reason.holds for reason in reasons}
    return ("reject" if "no" in holds else "inconclusive" if "unsettled" in holds else "promote"), reasons


def judge(rule: GateRule, scores: Scores) -> Reason:
    """Whether one rule holds on the evidence. A rule against a champion holds while there is none."""
    estimate = _estimate(rule, scores)
    if rule.versus == "champion" and not any(each.versus == "champion" for each in scores.differences):
        return Reason(holds="yes", words=f"{rule.metric}: there is no champion yet to compare with")
    if estimate is None:
        return Reason(
            holds="no", words=f"{rule.metric} of {rule.of} was not measured on {rule.part}, slice {rule.slice}"
        )
    test = _test(rule, Interval(estimate.mean, estimate.low, estimate.high, estimate.n, estimate.groups))
    holds = _holds(test)
    settle = rows_to_settle(test.measured, test.bound) if holds == "unsettled" else 0
    return Reason(holds=holds, words=_words(rule, test, settle), rows_to_settle=settle)


def _estimate(rule: GateRule, scores: Scores) -> Estimate | None:
    candidates: Sequence[Estimate] = scores.differences if rule.versus else scores.estimates
    wanted = (rule.of, rule.metric, rule.part, rule.slice)
    for estimate in candidates:
        found = (estimate.system, estimate.metric, estimate.part, estimate.slice)
        if found == wanted and getattr(estimate, "versus", None) == rule.versus:
            return estimate
    return None


def _test(rule: GateRule, measured: Interval) -> _Test:
    if rule.at_least is not None:
        return _Test(measured, rule.at_least, "at_or_above", f"at least {rule.at_least:.1%}")
    if rule.at_most is not None:
        return _Test(measured, rule.at_most, "at_or_below", f"at most {rule.at_most:.1%}")
    if rule.better_by is not None:
        return _Test(
            measured,
            rule.better_by,
            "above",
            f"better than {rule.versus} by more than {100 * rule.better_by:.1f} points",
        )
    allowed = rule.not_worse_by or 0.0
    return _Test(
        measured, -allowed, "at_or_above", f"not worse than {rule.versus} by more than {100 * allowed:.1f} points"
    )


def _holds(test: _Test) -> Holds:
    measured, bound = test.measured, test.bound
    match test.side:
        case "above":
            return "yes" if measured.low > bound else "no" if measured.high <= bound else "unsettled"
        case "at_or_above":
            return "yes" if measured.low >= bound else "no" if measured.high < bound else "unsettled"
        case "at_or_below":
            return "yes" if measured.high <= bound else "no" if measured.low > bound else "unsettled"


def _words(rule: GateRule, test: _Test, settle: int) -> str:
    measured = test.measured
    where = rule.part if rule.slice == ALL else f"{rule.part}, slice {rule.slice}"
    if rule.versus:
        seen = f"{100 * measured.mean:+.1f} points [{100 * measured.low:+.1f}, {100 * measured.high:+.1f}]"
    else:
        seen = f"{measured.mean:.1%} [{measured.low:.1%}, {measured.high:.1%}]"
    more = f"; about {settle} rows would settle it" if settle else ""
    return f"{rule.metric} must be {test.words}: {seen} on {measured.n} rows of {where}{more}"


@task(name="promote", version=VERSION, cache_policy=BY_CONTENT, result_serializer="json", cache_result_in_memory=False)
def promote(config: PromoteConfig, scores: Scores) -> Decision:
    """Decide on the evidence whether the student goes on stage."""
    started = time.monotonic()
    verdict, reasons = decide(config.rules, scores)
    return Decision(
        verdict=verdict,
        reasons=reasons,
        tally=Tally(rows_in=1, outcomes={verdict: 1}),
        seconds=time.monotonic() - started,
    )
