from typing import Any

import pytest

from tasks.evidence import Estimate, Holds, Reason, Scores
from tasks.gate import GateRule, judge
from tests.tasks.gate.figures import difference, estimate, rule, scores


def judged(rule: GateRule, scores: Scores, confidence: float = 0.95) -> Reason:
    [reason] = judge(rule, scores, confidence)
    return reason


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
    reason = judged(rule(**bounds), scores(seen))
    assert reason.holds == holds
    assert (reason.rows_to_settle > 0) == (holds == "unsettled")
    assert "100 rows of holdout" in reason.words


@pytest.mark.parametrize("slice", ["all", "worst", "each"])
@pytest.mark.parametrize("bounds", [{"at_least": 0.8}, {"versus": "base", "better_by": 0.1}])
def test_what_was_not_measured_does_not_hold(bounds: dict[str, Any], slice: str) -> None:
    other = scores(
        estimate(0.9, 1.0, system="teacher"),
        estimate(0.9, 1.0, metric="action"),
        estimate(0.9, 1.0, part="unseen"),
        difference(0.9, 1.0, versus="teacher"),
    )
    reason = judged(rule(**bounds, slice=slice), other)
    assert reason.holds == "no"
    assert "was not measured on holdout" in reason.words


def test_a_preference_over_the_champion_holds_while_there_is_none_and_is_judged_once_there_is() -> None:
    wanted = rule(metric="tone_over_champion", at_least=0.5)
    assert judged(wanted, scores(estimate(0.9, 1.0))).holds == "yes"
    assert "there is no champion yet" in judged(wanted, scores(estimate(0.9, 1.0))).words
    champion = estimate(0.9, 1.0, system="champion")
    assert judged(wanted, scores(champion)).holds == "no"
    assert judged(wanted, scores(estimate(0.1, 0.2, metric="tone_over_champion"))).holds == "no"
    assert judged(rule(metric="tone_over_base", at_least=0.5), scores(estimate(0.9, 1.0))).holds == "no"


def test_a_rule_is_judged_on_its_own_system_part_and_slice() -> None:
    seen = scores(
        estimate(0.9, 1.0),
        estimate(0.1, 0.2, slice="gift"),
        estimate(0.3, 0.4, part="train"),
        estimate(0.5, 0.6, system="teacher"),
    )
    assert judged(rule(at_least=0.8), seen).holds == "yes"
    assert judged(rule(at_least=0.8, slice="gift"), seen).holds == "no"
    assert judged(rule(at_least=0.3, part="train"), seen).holds == "yes"
    assert judged(rule(at_least=0.8, of="teacher"), seen).holds == "no"
    assert "holdout, slice gift" in judged(rule(at_least=0.8, slice="gift"), seen).words
    assert judged(rule(at_least=0.8, of="teacher"), seen).words.startswith("intent of teacher must be at least 80.0%")


@pytest.mark.parametrize("bounds", [{"versus": "champion", "not_worse_by": 0.03}, {"of": "champion", "at_least": 0.9}])
def test_without_a_champion_a_rule_that_needs_one_holds_and_says_so(bounds: dict[str, Any]) -> None:
    reason = judged(rule(**bounds), scores(estimate(0.1, 0.2), difference(0.1, 0.2)))
    assert reason.holds == "yes"
    assert "no champion yet" in reason.words


@pytest.mark.parametrize(("low", "high", "holds"), [(-0.01, 0.1, "yes"), (-0.1, 0.1, "unsettled"), (-0.2, -0.1, "no")])
def test_with_a_champion_a_rule_against_it_is_judged(low: float, high: float, holds: Holds) -> None:
    assert (
        judged(rule(versus="champion", not_worse_by=0.03), scores(difference(low, high, versus="champion"))).holds
        == holds
    )


@pytest.mark.parametrize("where", [{"slice": "gift"}, {"part": "unseen"}, {"metric": "action"}, {"slice": "worst"}])
def test_a_champion_that_was_not_compared_here_is_not_taken_for_none(where: dict[str, str]) -> None:
    seen = scores(estimate(0.9, 1.0), difference(-0.5, -0.4, versus="champion"))
    assert judged(rule(versus="champion", not_worse_by=0.03, **where), seen).holds == "no"


def slices(*lows: float, width: float = 0.1) -> list[Estimate]:
    own = [estimate(low, low + width, slice=f"slice-{number}", n=20) for number, low in enumerate(lows)]
    return [estimate(0.9, 1.0), *own]


@pytest.mark.parametrize(
    ("lows", "holds", "named"),
    [
        ([0.82, 0.81, 0.9], "yes", "slice-1"),
        ([0.82, 0.75, 0.9], "unsettled", "slice-1"),
        ([0.82, 0.75, 0.1], "no", "slice-2"),
        ([0.1, 0.75, 0.2], "no", "slice-0"),
        ([0.85], "yes", "slice-0"),
    ],
)
def test_the_worst_slice_decides_and_is_named(lows: list[float], holds: Holds, named: str) -> None:
    reason = judged(rule(at_least=0.8, slice="worst"), scores(*slices(*lows)))
    assert reason.holds == holds
    assert f"20 rows of holdout, slice {named}" in reason.words
    assert (f"the worst of {len(lows)} slices" in reason.words) == (len(lows) > 1)


def test_each_slice_has_a_reason_of_its_own() -> None:
    reasons = judge(rule(at_least=0.8, slice="each"), scores(*slices(0.82, 0.75, 0.1)))
    assert [each.holds for each in reasons] == ["yes", "unsettled", "no"]
    assert ["slice-0" in reasons[0].words, "slice-1" in reasons[1].words, "slice-2" in reasons[2].words] == [True] * 3


def test_every_slice_fails_and_holds_as_the_worst_of_them_does() -> None:
    seen = scores(*slices(0.82, 0.75, 0.9))
    worst, each = judged(rule(at_least=0.8, slice="worst"), seen), judge(rule(at_least=0.8, slice="each"), seen)
    assert worst.holds in [reason.holds for reason in each]
    assert worst.rows_to_settle == each[1].rows_to_settle


def test_one_slice_that_just_fails_on_its_own_does_not_among_many() -> None:
    just = slices(0.69)[1]
    assert judged(rule(at_least=0.8, slice="slice-0"), scores(just)).holds == "no"
    among = [estimate(0.85, 0.95, slice=f"other-{number}") for number in range(10)]
    assert judged(rule(at_least=0.8, slice="worst"), scores(just, *among)).holds == "unsettled"


def test_rows_without_slices_are_their_own_worst_slice() -> None:
    assert judged(rule(at_least=0.8, slice="worst"), scores(estimate(0.7, 0.75))).holds == "no"


@pytest.mark.parametrize(
    ("mean", "failed", "holds"),
    [(0.05, 0, "yes"), (0.05, 10, "unsettled"), (0.0, 50, "no"), (0.0, 100, "no"), (0.3, 10, "no")],
)
def test_failed_rows_do_not_help_what_must_stay_low(mean: float, failed: int, holds: Holds) -> None:
    from tasks.statistics import mean_interval

    ones = round(mean * 100)
    interval = mean_interval([1.0] * ones + [0.0] * (100 - ones), range(100))
    seen = estimate(interval.low, interval.high, mean=interval.mean, failed=failed)
    reason = judged(rule(at_most=0.15), scores(seen))
    assert reason.holds == holds
    assert (f"{failed} of them failed and counted as 1" in reason.words) == (failed > 0)


def test_failed_rows_count_as_nothing_where_more_is_better() -> None:
    reason = judged(rule(at_least=0.8), scores(estimate(0.9, 1.0, failed=4)))
    assert reason.holds == "yes"
    assert "4 of them failed and counted as 0" in reason.words


@pytest.mark.parametrize(
    ("bounds", "seen"),
    [
        ({"at_least": 0.8}, estimate(0.81, 0.9)),
        ({"at_most": 0.2}, estimate(0.1, 0.19)),
        ({"versus": "base", "better_by": 0.2}, difference(0.21, 0.4)),
        ({"versus": "base", "not_worse_by": 0.03}, difference(-0.02, 0.1)),
    ],
)
def test_what_just_holds_at_95_is_not_settled_at_a_higher_confidence(bounds: dict[str, Any], seen: Estimate) -> None:
    reason = judged(rule(**bounds), scores(seen), confidence=0.999)
    assert reason.holds == "unsettled"
    assert "at 99.9 % on 100 rows" in reason.words


def test_what_is_not_settled_says_what_would_and_what_this_holdout_shows() -> None:
    reason = judged(rule(versus="base", better_by=0.0), scores(difference(-0.01, 0.05, detectable=0.08)))
    assert f"so many show differences from 8.0 points on; about {reason.rows_to_settle} rows would" in reason.words
