import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.artifacts import Dataset, Made, Student
from tasks.evidence import ALL, FailureMode, Holds, Reason, Scores, Verdict, Wear
from tasks.gate import GateRule, judge
from tasks.measures import differences, estimates
from tasks.models import Answer
from tasks.promote import PromoteConfig, decide, judged_by, promote, worn
from tasks.registry import Registry
from tasks.rows import Kept, Scored
from tasks.scorers import Fields
from tasks.store import Store
from tasks.systems import score
from tasks.systems import scored as as_scored
from tests.tasks.gate.figures import difference, estimate, rule, scores
from tests.tasks.students import student
from tests.tasks.toys import a_kept

INTENT = Fields(scorer="fields", name="intent", fields=["intent"])
RIGHT = '{"intent": "order_status"}'
FRESH = Wear(decided=1, at_most=5, words="decision 1 of at most 5 on these holdout rows")
WORN = Wear(decided=6, at_most=5, words="worn out", confidence=0.999, fresh_rows=40)


def config(*rules: GateRule, **more: Any) -> PromoteConfig:
    return PromoteConfig(rules=list(rules), **more)


def mode(name: str, fires: Holds, metric: str = "alike") -> FailureMode:
    seen = estimate(0.9, 1.0, metric=metric, part="train")
    return FailureMode(mode=name, fires=fires, words=f"what {name} saw", threshold=0.5, estimates=[seen])


def verdict(reasons: tuple[Verdict, list[Reason]]) -> Verdict:
    return reasons[0]


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
    found, reasons = decide(config(*(rule(metric=metric, at_least=0.8) for metric in metrics)), seen, [], FRESH)
    assert found == verdict
    assert [reason.words.split()[0] for reason in reasons[:-1]] == metrics
    assert reasons[-1].words == FRESH.words


@pytest.mark.parametrize(
    ("modes", "failure_modes", "verdict"),
    [
        ([], "reject", "promote"),
        (["no", "no"], "reject", "promote"),
        (["no", "yes"], "reject", "reject"),
        (["unsettled"], "reject", "promote"),
        (["unsettled", "yes"], "reject", "reject"),
        (["yes"], "report", "promote"),
    ],
)
def test_a_failure_mode_that_shows_rejects_unless_it_is_only_to_be_said(
    modes: list[Holds], failure_modes: Any, verdict: Verdict
) -> None:
    found = [mode(f"mode-{number}", fires) for number, fires in enumerate(modes)]
    gate = config(rule(at_least=0.8), failure_modes=failure_modes)
    given, reasons = decide(gate, scores(estimate(0.9, 1.0)), found, FRESH)
    assert given == verdict
    said = " | ".join(reason.words for reason in reasons)
    assert all(f"what {each.mode} saw" in said for each in found if each.fires != "no")
    assert all(each.mode in said for each in found)


def test_a_student_is_not_asked_to_agree_more_than_the_teacher_does_with_itself() -> None:
    seen, itself = scores(estimate(0.75, 0.85)), estimate(0.6, 0.7, system="teacher", part="again")
    gate = config(rule(at_least=0.9))
    assert verdict(decide(gate, seen, [], FRESH)) == "reject"
    given, reasons = decide(gate, seen, [], FRESH, [itself])
    assert given == "promote"
    assert "at least 70.0%, the most that the teacher agrees with itself, and not 90.0%" in reasons[0].words
    for other in ({"slice": "gift"}, {"metric": "action"}, {"part": "approved"}, {"high": 0.95, "mean": 0.9}):
        assert verdict(decide(gate, seen, [], FRESH, [itself.model_copy(update=other)])) == "reject"


def test_a_failure_mode_that_was_not_measured_is_not_called_unseen_and_blocks_nothing() -> None:
    found = [mode("copying", "no"), mode("forgetting", "no").model_copy(update={"measured": False})]
    given, reasons = decide(config(rule(at_least=0.8)), scores(estimate(0.9, 1.0)), found, FRESH)
    assert given == "promote"
    assert {"not seen in the student: copying", "not measured: forgetting"} < {reason.words for reason in reasons}


def test_a_rule_may_be_about_what_a_failure_mode_measures() -> None:
    gate = config(rule(metric="alike", part="train", at_most=0.5))
    assert verdict(decide(gate, scores(), [mode("copying", "no")], FRESH)) == "reject"


@pytest.mark.parametrize(("low", "verdict"), [(0.95, "inconclusive"), (0.1, "reject")])
def test_a_holdout_that_is_worn_out_promotes_nobody_and_still_rejects(low: float, verdict: Verdict) -> None:
    found, reasons = decide(config(rule(at_least=0.5)), scores(estimate(low, low + 0.05)), [], WORN)
    assert found == verdict
    assert reasons[-1] == Reason(holds="unsettled", words="worn out", rows_to_settle=40)


def test_rules_are_held_at_the_confidence_that_the_wear_asks_for() -> None:
    seen = scores(estimate(0.81, 0.9))
    assert verdict(decide(config(rule(at_least=0.8)), seen, [], FRESH)) == "promote"
    used = FRESH.model_copy(update={"confidence": 0.9999})
    assert verdict(decide(config(rule(at_least=0.8)), seen, [], used)) == "inconclusive"


@given(low=st.floats(0, 0.9), bound=st.floats(0, 1), fires=st.sampled_from(["yes", "no", "unsettled"]))
def test_a_verdict_follows_from_its_reasons(low: float, bound: float, fires: Holds) -> None:
    found, reasons = decide(
        config(rule(at_least=bound)), scores(estimate(low, low + 0.1)), [mode("copying", fires)], FRESH
    )
    blocking = {each.holds for each in reasons if each.blocks}
    assert (found == "promote") == (blocking == {"yes"})
    assert (found == "reject") == ("no" in blocking)
    assert all(each.words for each in reasons)


def test_a_gate_without_rules_is_refused() -> None:
    with pytest.raises(ValidationError):
        PromoteConfig(rules=[])


@pytest.mark.parametrize("rate", [0.0, 0.6, float("nan")])
def test_an_error_rate_that_means_nothing_is_refused(rate: float) -> None:
    with pytest.raises(ValidationError):
        config(rule(at_least=0.5), error_rate=rate)


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
    [reason] = judge(rule(versus="champion", better_by=0.0), seen)
    assert reason.holds != "yes"


def test_a_failed_answer_counts_as_wrong_and_as_a_row() -> None:
    failed = [Answer(error="timed out")] * 30
    seen = measured(scored("student", [*right_and_wrong(70, 0), *failed]))
    overall = next(each for each in seen.estimates if each.slice == ALL)
    assert (overall.n, overall.mean) == (100, 0.7)
    assert judge(rule(at_least=0.9), seen)[0].holds == "no"


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
    decision = promote.fn(config(rule(at_least=0.8)), scores(estimate(low, low + 0.1)), [], FRESH, [])
    assert decision.verdict == verdict
    assert decision.tally.outcomes == {verdict: 1}
    assert (len(decision.reasons), decision.wear) == (2, FRESH)


def stored(*questions: str) -> Dataset:
    rows = [a_kept(f"row-{number}", text=text) for number, text in enumerate(questions)]
    return Store().write_rows(rows, Kept, Made(stage="split", version="1", config={}, parents={}))


def test_a_holdout_that_nobody_was_judged_by_decides_for_the_first_time() -> None:
    found = worn("project", config(rule(at_least=0.5)), Student(fingerprint="a" * 64), stored("one", "two"), "rules")
    assert (found.decided, found.confidence) == (1, 0.95)


def test_a_student_judged_again_costs_a_decision_where_anything_but_the_decision_changed() -> None:
    gate, rows, first = config(rule(at_least=0.5)), stored("one", "two"), student(1)

    def nth(judged_by: str, holdout: Dataset = rows) -> int:
        return worn("project", gate, first, holdout, judged_by).decided

    for number in range(1, 4):
        Registry().enter("project", student(number), None, "reject", rows, judged_by="rules")
    assert (nth("rules"), nth("other rules"), nth("rules", stored("one", "two", "three"))) == (1, 4, 3)
    Registry().enter("project", first, None, "reject", rows, judged_by="other rules")
    assert (nth("rules"), nth("other rules"), nth("rules of today")) == (1, 4, 5)


def test_rules_scorers_and_rival_tell_decisions_apart_and_who_approves_does_not() -> None:
    gate = config(rule(at_least=0.5))
    decisions = [
        judged_by(gate, INTENT, None),
        judged_by(config(rule(at_least=0.4)), INTENT, None),
        judged_by(gate, INTENT.model_copy(update={"fields": ["action"]}), None),
        judged_by(gate, INTENT, Student(fingerprint="a" * 64)),
    ]
    assert len(set(decisions)) == len(decisions)
    assert judged_by(config(rule(at_least=0.5), approval="human"), INTENT, None) == decisions[0]


def test_what_an_older_registry_recorded_counts_before_all_else(store_root: Path) -> None:
    rows = stored("one", "two")
    for number in range(1, 4):
        Registry().enter("project", student(number), None, "reject", rows)
    with closing(sqlite3.connect(store_root / "registry.sqlite")) as connection:
        connection.execute("DROP TABLE decisions")
    assert worn("project", config(rule(at_least=0.5)), student(4), rows, "rules").decided == 4
    Registry().enter("project", student(4), None, "reject", rows, judged_by="rules")
    assert [each.student for each in Registry().decisions("project")] == [student(number) for number in range(1, 5)]


@pytest.mark.parametrize(("failed", "verdict"), [(10, "promote"), (11, "reject")])
def test_a_student_that_failed_on_more_than_a_tenth_of_the_rows_never_passes(failed: int, verdict: Verdict) -> None:
    seen = scores(estimate(0.9, 1.0, failed=failed))
    found, reasons = decide(PromoteConfig(rules=[rule(at_least=0.5)]), seen, [], FRESH)
    assert found == verdict
    assert any("gave no answer to 11 of 100 rows" in each.words for each in reasons) == (verdict == "reject")


def test_to_beat_a_base_that_failed_shows_nothing() -> None:
    seen = scores(estimate(0.9, 1.0), estimate(0.0, 0.1, system="base", failed=60), difference(0.8, 0.95))
    rules = [rule(versus="base", better_by=0.2)]
    found, reasons = decide(PromoteConfig(rules=rules), seen, [], FRESH)
    assert found == "inconclusive"
    assert any(each.words == "the base gave no answer to 60 of 100 rows of holdout" for each in reasons)
    assert decide(PromoteConfig(rules=[rule(at_least=0.5)]), seen, [], FRESH)[0] == "promote"
