"""What the gate's error rate and power are, found by judging many candidates of which the truth is known."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from tasks.evidence import Difference, Estimate, Scores, Verdict
from tasks.gate import Earlier, GateRule, wear
from tasks.promote import PromoteConfig, decide
from tasks.statistics import difference_interval, mean_interval

ROWS = 200
RIGHT = 0.8
ERROR_RATE = 0.05
BETTER = GateRule(metric="right", versus="champion", better_by=0)
HELD_OUT = frozenset(map(str, range(ROWS)))

Answers = np.ndarray[tuple[int], np.dtype[np.bool_]]


@cache
def measured(both: int, student: int, champion: int, neither: int) -> Scores:
    """The evidence, of which only counts matter: how many rows each of the two got right."""
    own = [1.0] * (both + student) + [0.0] * (champion + neither)
    other = [1.0] * both + [0.0] * student + [1.0] * champion + [0.0] * neither
    where = {"metric": "right", "part": "holdout", "slice": "all"}
    interval = difference_interval(own, other, range(len(own)))
    return Scores(
        estimates=[
            Estimate(system=system, **where, **mean_interval(values, range(len(values)))._asdict())
            for system, values in (("student", own), ("champion", other))
        ],
        differences=[Difference(system="student", versus="champion", **where, **interval._asdict())],
    )


def verdict(rule: GateRule, student: Answers, champion: Answers, decision: int = 1) -> Verdict:
    """What the gate says of a student on a holdout that has decided before."""
    history = [Earlier(str(number), HELD_OUT) for number in range(decision - 1)]
    counts = [np.sum(one & other) for one in (student, ~student) for other in (champion, ~champion)]
    both, only_student, only_champion, neither = map(int, counts)
    gate = PromoteConfig(rules=[rule], error_rate=ERROR_RATE)
    worn = wear("new", HELD_OUT, history, gate.error_rate)
    return decide(gate, measured(both, only_student, only_champion, neither), [], worn)[0]


def pairs(number: int, student: float, champion: float, shared: float, rows: int = ROWS) -> Iterator[list[Answers]]:
    """Pairs of systems that are right so often; on a share of the rows both are right or wrong for one reason."""
    random = np.random.default_rng(1)
    for _ in range(number):
        own, other, drawn = random.random((3, rows))
        other = np.where(drawn < shared, own, other)
        yield [own < student, other < champion]


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_of_a_thousand_equal_candidates_no_more_pass_than_stated(shared: float) -> None:
    passed = sum(verdict(BETTER, *pair) == "promote" for pair in pairs(1_000, RIGHT, RIGHT, shared))
    assert passed <= 1_000 * ERROR_RATE


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_of_a_thousand_that_are_worse_by_what_is_allowed_no_more_pass_than_stated(shared: float) -> None:
    rule = GateRule(metric="right", versus="champion", not_worse_by=0.05)
    passed = sum(verdict(rule, *pair) == "promote" for pair in pairs(1_000, RIGHT - 0.05, RIGHT, shared))
    assert passed <= 1_000 * ERROR_RATE


def test_one_that_is_ten_points_better_is_promoted_four_times_in_five() -> None:
    """400 rows, the champion right on 70 % of them: the power that README states."""
    passed = sum(verdict(BETTER, *pair) == "promote" for pair in pairs(500, 0.8, 0.7, 0.0, rows=400))
    assert passed >= 500 * 0.8


def life(random: np.random.Generator, adaptive: bool, decisions: int) -> Iterator[tuple[Answers, Answers]]:
    """Weekly candidates, none truly better than the champion, all judged on the same rows.

    Where it is adaptive, each is the best of the former ones on these very rows, a quarter of its answers drawn anew.
    """
    champion = random.random(ROWS) < RIGHT
    best = champion
    for _ in range(decisions):
        fresh = random.random(ROWS) < RIGHT
        student = np.where(random.random(ROWS) < 0.25, fresh, best) if adaptive else fresh
        yield student, champion
        best = max(best, student, key=np.sum)


@pytest.mark.parametrize("adaptive", [False, True])
def test_over_the_life_of_a_holdout_no_more_lives_pass_anyone_than_stated(adaptive: bool) -> None:
    random, lives = np.random.default_rng(2), 500
    at_most = wear("new", HELD_OUT, [], ERROR_RATE).at_most
    failed = sum(
        any(verdict(BETTER, *pair, decision) == "promote" for decision, pair in enumerate(weeks, 1))
        for weeks in (life(random, adaptive, at_most) for _ in range(lives))
    )
    assert failed <= lives * ERROR_RATE


@pytest.mark.parametrize("adaptive", [False, True])
def test_of_fifty_weekly_candidates_on_one_holdout_none_passes_after_the_warning(adaptive: bool) -> None:
    at_most = wear("new", HELD_OUT, [], ERROR_RATE).at_most
    for seed in range(4):
        weeks = enumerate(life(np.random.default_rng(seed), adaptive, 50), 1)
        verdicts = {decision: verdict(BETTER, *pair, decision) for decision, pair in weeks}
        assert "promote" not in {found for decision, found in verdicts.items() if decision > at_most}


def test_a_gate_that_did_not_count_would_pass_nearly_every_life() -> None:
    random = np.random.default_rng(3)
    passed = sum(any(verdict(BETTER, *pair) == "promote" for pair in life(random, True, 50)) for _ in range(40))
    assert passed > 30
