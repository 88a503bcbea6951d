from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.evidence import ALL, Difference, Estimate, Holds, Scores, Verdict
from tasks.measures import differences, estimates
from tasks.models import Answer
from tasks.promote import GateRule, PromoteConfig, decide, judge, promote
from tasks.rows import Scored
from tasks.scorers import Fields
from tasks.systems import score
from tasks.systems import scored as as_scored
from tests.tasks.toys import a_kept

INTENT = Fields(scorer="fields", name="intent", fields=["intent"])
RIGHT = '{"intent": "order_status"}'


def rule(**bounds: Any) -> GateRule:
    return GateRule.model_validate({"metric": "intent"} | bounds)


def estimate(low: float, high: float, **more: Any) -> Estimate:
    about = {"system": "student", "metric": "intent", "part": "holdout", "slice": ALL, "n": 100, "groups": 100}
    return Estimate.model_validate(about | {"mean": (low + high) / 2, "low": low, "high": high} | more)


def difference(low: float, high: float, versus: str = "base", **more: Any) -> Difference:
    return Difference(**estimate(low, high, **more).model_dump(), versus=versus)


def scores(*seen: Estimate) -> Scores:
    own = [each for each in seen if not isinstance(each, Difference)]
    return Scores(estimates=own, differences=[each for each in seen if isinstance(each, Difference)])


@pytest.mark.parametrize(
    ("bounds", "low", "high", "holds"),
    [
        ({"at_least": 0.8}, 0.81, 0.9, "yes"),
        ({"at_least": 0.8}, 0.8, 0.9, "yes"),
        ({"at_least": 0.8}, 0.79, 0.9, "unsettled"),
        ({"at_least": 0.8}, 0.7, 0.8, "unsettled"),
        ({"at_least": 0.8}, 0.7, 0.79, "no"),
        ({"at_least": 1.0}, 0.96, 1.0, "unsettled"),
        ({"at_least": 0.0}, 0.0, 0.1, "yes"),
        ({"at_most": 0.2}, 0.1, 0.19, "yes"),
        ({"at_most": 0.2}, 0.1, 0.2, "yes"),
        ({"at_most": 0.2}, 0.1, 0.21, "unsettled"),
        ({"at_most": 0.2}, 0.21, 0.3, "no"),
        ({"versus": "base", "better_by": 0.2}, 0.21, 0.4, "yes"),
        ({"versus": "base", "better_by": 0.2}, 0.2, 0.4, "unsettled"),
        ({"versus": "base", "better_by": 0.2}, 0.1, 0.3, "unsettled"),
        ({"versus": "base", "better_by": 0.2}, 0.1, 0.2, "no"),
        ({"versus": "base", "better_by": 0.2}, -0.2, -0.1, "no"),
        ({"versus": "base", "not_worse_by": 0.03}, -0.02, 0.1, "yes"),
        ({"versus": "base", "not_worse_by": 0.03}, -0.03, 0.1, "yes"),
        ({"versus": "base", "not_worse_by": 0.03}, -0.04, 0.1, "unsettled"),
        ({"versus": "base", "not_worse_by": 0.03}, -0.2, -0.04, "no"),
        ({"versus": "base", "not_worse_by": 0.0}, 0.0, 0.1, "yes"),
        ({"versus": "base", "not_worse_by": 0.0}, -0.01, 0.1, "unsettled"),
    ],
)
def test_a_rule_is_held_to_the_bound_of_the_interval_not_to_the_mean(
    bounds: dict[str, Any], low: float, high: float, holds: Holds
) -> None:
    seen = difference(low, high) if "versus" in bounds else estimate(low, high)
    reason = judge(rule(**bounds), scores(seen))
    assert reason.holds == holds
    assert (reason.rows_to_settle > 0) == (holds == "unsettled")
    assert "100 rows of holdout" in reason.words


@pytest.mark.parametrize("bounds", [{"at_least": 0.8}, {"versus": "base", "better_by": 0.1}])
def test_what_was_not_measured_does_not_hold(bounds: dict[str, Any]) -> None:
    other = scores(
        estimate(0.9, 1.0, system="teacher"),
        estimate(0.9, 1.0, metric="action"),
        estimate(0.9, 1.0, part="unseen"),
        estimate(0.9, 1.0, slice="gift"),
        difference(0.9, 1.0, versus="teacher"),
    )
    reason = judge(rule(**bounds), other)
    assert reason.holds == "no"
    assert "was not measured on holdout, slice all" in reason.words


def test_a_rule_is_judged_on_its_own_part_and_slice() -> None:
    seen = scores(estimate(0.9, 1.0), estimate(0.1, 0.2, slice="gift"), estimate(0.3, 0.4, part="unseen"))
    assert judge(rule(at_least=0.8), seen).holds == "yes"
    assert judge(rule(at_least=0.8, slice="gift"), seen).holds == "no"
    assert judge(rule(at_least=0.3, part="unseen"), seen).holds == "yes"
    assert "holdout, slice gift" in judge(rule(at_least=0.8, slice="gift"), seen).words


def test_without_a_champion_a_rule_against_it_holds_and_says_so() -> None:
    reason = judge(rule(versus="champion", not_worse_by=0.03), scores(estimate(0.9, 1.0), difference(0.1, 0.2)))
    assert reason.holds == "yes"
    assert "no champion yet" in reason.words


@pytest.mark.parametrize(("low", "high", "holds"), [(-0.01, 0.1, "yes"), (-0.1, 0.1, "unsettled"), (-0.2, -0.1, "no")])
def test_with_a_champion_a_rule_against_it_is_judged(low: float, high: float, holds: Holds) -> None:
    seen = scores(difference(low, high, versus="champion"))
    assert judge(rule(versus="champion", not_worse_by=0.03), seen).holds == holds


@pytest.mark.parametrize("where", [{"slice": "gift"}, {"part": "unseen"}, {"metric": "action"}])
def test_a_champion_that_was_not_compared_here_is_not_taken_for_none(where: dict[str, str]) -> None:
    seen = scores(estimate(0.9, 1.0), difference(-0.5, -0.4, versus="champion"))
    assert judge(rule(versus="champion", not_worse_by=0.03, **where), seen).holds == "no"


@pytest.mark.parametrize(
    ("lows", "verdict"),
    [
        ([0.9], "promote"),
        ([0.9, 0.9], "promote"),
        ([0.9, 0.75], "inconclusive"),
        ([0.75, 0.1], "reject"),
        ([0.9, 0.1], "reject"),
        ([0.1], "reject"),
    ],
)
def test_all_rules_must_hold_and_one_that_fails_rejects(lows: list[float], verdict: Verdict) -> None:
    metrics = [f"metric-{number}" for number in range(len(lows))]
    seen = scores(*(estimate(low, low + 0.1, metric=metric) for low, metric in zip(lows, metrics, strict=True)))
    found, reasons = decide([rule(metric=metric, at_least=0.8) for metric in metrics], seen)
    assert found == verdict
    assert [reason.words.split()[0] for reason in reasons] == metrics


@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"versus": "base"},
        {"at_least": 0.5, "at_most": 0.6},
        {"at_least": 0.5, "versus": "base"},
        {"at_most": 0.5, "versus": "base", "better_by": 0.1},
        {"better_by": 0.1},
        {"not_worse_by": 0.1},
        {"versus": "base", "better_by": 0.1, "not_worse_by": 0.1},
        {"versus": "student", "better_by": 0.1},
        {"at_least": 1.1},
        {"at_least": -0.1},
        {"at_least": float("nan")},
        {"versus": "base", "not_worse_by": -0.1},
        {"at_least": 0.5, "of": "teacher"},
        {"at_least": 0.5, "part": "train"},
        {"at_least": 0.5, "at_leats": 0.5},
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**bounds)


def test_a_gate_without_rules_is_refused() -> None:
    with pytest.raises(ValidationError):
        PromoteConfig(rules=[])


def scored(system: str, answers: Sequence[Answer], slice: str = "gift") -> list[Scored]:
    rows = [a_kept(f"row-{number}", slice=slice) for number in range(len(answers))]
    together = zip(rows, answers, score([INTENT], rows, answers), strict=True)
    return [as_scored(system, row, "holdout", answer, found) for row, answer, found in together]


def measured(*systems: list[Scored]) -> Scores:
    rows = [row for system in systems for row in system]
    return Scores(estimates=list(estimates(rows)), differences=list(differences(rows)))


def right_and_wrong(right: int, wrong: int) -> list[Answer]:
    return [Answer(text=RIGHT)] * right + [Answer(text="{}")] * wrong


@given(right=st.integers(0, 60), wrong=st.integers(1, 60))
def test_an_equal_system_is_never_better(right: int, wrong: int) -> None:
    answers = right_and_wrong(right, wrong)
    seen = measured(scored("student", answers), scored("champion", answers))
    assert judge(rule(versus="champion", better_by=0.0), seen).holds != "yes"


def test_a_failed_answer_counts_as_wrong_and_as_a_row() -> None:
    failed = [Answer(error="timed out")] * 30
    seen = measured(scored("student", [*right_and_wrong(70, 0), *failed]))
    overall = next(each for each in seen.estimates if each.slice == ALL)
    assert (overall.n, overall.mean) == (100, 0.7)
    assert judge(rule(at_least=0.9), seen).holds == "no"


def test_a_failed_answer_whose_text_would_be_right_still_counts_as_wrong() -> None:
    assert scored("student", [Answer(text=RIGHT, error="cut off")])[0]["scores"] == {"intent": 0.0}


def test_systems_are_compared_on_identical_rows_failures_included() -> None:
    student = [Answer(error="timed out"), *right_and_wrong(39, 0)]
    seen = measured(scored("student", student), scored("champion", right_and_wrong(40, 0)))
    own = next(each for each in seen.differences if each.slice == ALL)
    assert (own.n, own.mean) == (40, pytest.approx(-1 / 40))


def test_a_row_without_a_slice_counts_once() -> None:
    seen = measured(scored("student", right_and_wrong(10, 10), slice="all"))
    assert [each.n for each in seen.estimates if each.slice == ALL] == [20]


@pytest.mark.parametrize(("low", "verdict"), [(0.9, "promote"), (0.75, "inconclusive"), (0.1, "reject")])
def test_the_stage_gives_the_verdict_with_its_reasons(low: float, verdict: Verdict) -> None:
    decision = promote.fn(PromoteConfig(rules=[rule(at_least=0.8)]), scores(estimate(low, low + 0.1)))
    assert decision.verdict == verdict
    assert decision.tally.outcomes == {verdict: 1}
    assert len(decision.reasons) == 1
