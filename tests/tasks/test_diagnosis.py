from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.diagnosis import causes
from tasks.evidence import (
    ALL,
    CurvePoint,
    Difference,
    Estimate,
    Evidence,
    FailureMode,
    LearningCurve,
    Outcome,
    People,
    Reason,
    Scores,
    Training,
    Usage,
)

INTENT = {"scorer": "fields", "name": "intent", "fields": ["intent"]}
SCHEMA = {"scorer": "schema", "name": "schema"}


def estimate(system: str, mean: float, metric: str = "intent", part: str = "holdout", slice: str = ALL) -> Estimate:
    near = {"low": max(0.0, mean - 0.05), "high": min(1.0, mean + 0.05), "n": 100, "groups": 100}
    return Estimate.model_validate(
        {"system": system, "metric": metric, "part": part, "slice": slice, "mean": mean} | near
    )


def to_teacher(mean: float, slice: str = ALL, n: int = 100) -> Difference:
    known = estimate("student", mean, slice=slice).model_dump()
    return Difference.model_validate(known | {"versus": "teacher", "low": mean - 0.05, "high": mean + 0.05, "n": n})


def scores(student: float, teacher: float, *slices: Difference, schema: float = 1.0) -> Scores:
    return Scores(
        estimates=[
            estimate("student", student),
            estimate("teacher", teacher),
            estimate("student", schema, "schema"),
            estimate("teacher", 1.0, "schema"),
        ],
        differences=[to_teacher(student - teacher), *slices],
    )


def training(*losses: tuple[float, float | None], **changes: Any) -> Training:
    points = [
        CurvePoint(step=10 * at, epoch=at, train_loss=train, validation_loss=validation)
        for at, (train, validation) in enumerate(losses, start=1)
    ]
    about = {"rows": 2000, "watched": 100, "too_long": 0, "tokens": 1, "answer_tokens": 1, "longest_row": 700}
    rest = {"trained_parameters": 1, "steps": 10 * len(points), "seconds": 1, "example": "", "curve": points}
    return Training.model_validate(about | rest | changes)


def usage(system: str, cut_off: int = 0) -> Usage:
    means = {"input_tokens": 10, "output_tokens": 10, "seconds": 1, "seconds_median": 1}
    return Usage.model_validate({"system": system, "rows": 100, "failed": 0, "cut_off": cut_off} | means)


def evidence(**changes: Any) -> Evidence:
    """A student that is as good as its teacher, with nothing that speaks against how it was made."""
    healthy: dict[str, Any] = {
        "project": "support",
        "version": 1,
        "verdict": "promote",
        "on_stage": True,
        "reasons": [Reason(holds="yes", words="")],
        "stages": [],
        "scores": scores(0.98, 1.0),
        "usage": [usage("teacher"), usage("student")],
        "training": training((2.0, 1.0), (0.9, 0.80), (0.8, 0.795)),
        "config": {"evaluate": {"scorers": [INTENT, SCHEMA], "max_output_tokens": 80}},
        "versions": {},
        "dropped": [],
        "funnel": [Outcome(stage="split", outcome="train", leaves=False, slices={"gift": 8, "abuse": 1900})],
        "comparisons": [],
    }
    return Evidence(**healthy | changes)


def lost(**changes: Any) -> Evidence:
    """The same, but surely below its teacher."""
    about = {"verdict": "reject", "reasons": [Reason(holds="no", words="")], "scores": scores(0.70, 1.0)}
    return evidence(**about | changes)


def curve(low: float, mean: float) -> LearningCurve:
    gain = to_teacher(mean).model_copy(update={"versus": "50% of the rows", "low": low, "high": mean + 0.05})
    return LearningCurve(student="s", shares=[], gains=[gain], words="")


def mode(fires: str) -> FailureMode:
    return FailureMode.model_validate({"mode": "style_collapse", "fires": fires, "words": "alike", "threshold": 0.5})


def noise(rate: float, field: str = "intent") -> People:
    return People(teacher_errors=[estimate("m", rate, field, "gold"), estimate("m", 0.9, "whole answer", "gold")])


FALLING = training((2.0, 1.0), (0.9, 0.8), (0.7, 0.6))
UNWATCHED = training((2.0, None), (1.5, None), (1.0, None), watched=0)
BY_HEART = training((2.0, 1.0), (0.5, 0.8), (0.1, 1.2))
THIN = scores(0.70, 1.0, to_teacher(-0.8, "gift", n=10), to_teacher(-0.2, "abuse", n=90))

FIRES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "the teacher is hardly better": ({"scores": scores(0.70, 0.85)}, "teacher_ceiling", ["intent", "85.0%", "70.0%"]),
    "the teacher does not agree with itself": (
        {"ceiling": [estimate("teacher", 0.8, part="again")]},
        "teacher_ceiling",
        ["80.0%", "of again"],
    ),
    "the teacher was wrong where people looked": ({"people": noise(0.15)}, "label_noise", ["intent", "15.0%", "100"]),
    "the teacher's labels were wrong": (
        {
            "people": noise(0.15),
            "config": {"evaluate": {"scorers": [{"scorer": "labels", "name": "intent", "field": None}]}},
        },
        "label_noise",
        ["whole answer", "90.0%"],
    ),
    "the right content off the schema": (
        {"scores": scores(0.70, 1.0, schema=0.8)},
        "format",
        ["schema: 80.0% [75.0%", "100 answers", "70.0%"],
    ),
    "answers cut off": (
        {"usage": [usage("student", cut_off=12)]},
        "cut_off",
        ["12 of the student's 100", "evaluate.max_output_tokens=80"],
    ),
    "rows too long": (
        {"training": training((1.0, 1.0), too_long=400)},
        "too_long",
        ["400 of 2500 rows", "700 tokens", "train.max_tokens"],
    ),
    "a thin slice far behind": ({"scores": THIN}, "thin_slices", ["gift (8 rows", "-80.0 points"]),
    "few rows": ({"training": training((1.0, 1.0), rows=120)}, "too_little_data", ["120 rows", "rule of thumb"]),
    "a curve that rises": ({"learning_curve": curve(0.03, 0.08)}, "too_little_data", ["+8.0 points", "50% of the"]),
    "a loss that falls": ({"training": FALLING}, "undertrained", ["validation loss", "25%", "step 30"]),
    "a training loss that falls, unwatched": ({"training": UNWATCHED}, "undertrained", ["training loss", "33%"]),
    "learned by heart": ({"training": BY_HEART}, "overtrained", ["step 20 of 30", "1.2", "0.1"]),
    "a failure mode": ({"failure_modes": [mode("yes")]}, "style_collapse", ["alike"]),
}

QUIET: dict[str, dict[str, Any]] = {
    "a teacher that is right": {"scores": scores(0.70, 0.99)},
    "a teacher wrong in what is not judged": {"people": noise(0.5, "reply")},
    "a teacher whose wording differs where its length is judged": {
        "people": noise(0.5, "reply"),
        "config": {"evaluate": {"scorers": [{"scorer": "words", "name": "intent", "field": "reply"}]}},
    },
    "a teacher that is nearly never wrong": {"people": noise(0.01)},
    "a form that is broken where the content is wrong, too": {"scores": scores(0.0, 1.0, schema=0.5)},
    "a slice with rows enough": {"scores": scores(0.70, 1.0, to_teacher(-0.8, "abuse", n=10))},
    "a thin slice like the rest": {"scores": scores(0.70, 1.0, to_teacher(-0.1, "gift", n=10))},
    "a curve that does not rise": {
        "learning_curve": curve(-0.02, 0.01),
        "training": training((1.0, 1.0), rows=120),
    },
    "a failure mode that does not fire": {"failure_modes": [mode("no"), mode("unsettled")]},
    "a few rows too long": {"training": training((1.0, 1.0), too_long=20)},
    "a validation loss that rises as the training loss does": {"training": training((2.0, 1.0), (1.9, 1.2))},
    "no training curve": {"training": training()},
    "nothing but scores": {"config": {}, "funnel": [], "usage": []},
}


@pytest.mark.parametrize("case", FIRES)
def test_each_cause_shows_in_evidence_that_has_it_alone(case: str) -> None:
    changes, cause, words = FIRES[case]
    [found] = causes(lost(**changes))
    assert found.cause == cause
    assert [each for each in words if each not in found.words] == []


@pytest.mark.parametrize("case", QUIET)
def test_no_cause_is_made_of_what_speaks_for_none(case: str) -> None:
    assert causes(lost(**QUIET[case])) == []


@pytest.mark.parametrize("case", FIRES)
def test_a_student_that_loses_nothing_has_no_causes(case: str) -> None:
    changes = {name: value for name, value in FIRES[case][0].items() if name != "scores"}
    assert causes(evidence(**changes)) == []


def test_a_promoted_student_that_is_surely_below_its_teacher_has_causes() -> None:
    assert causes(evidence(scores=scores(0.70, 0.85)))
    assert causes(evidence(scores=scores(0.85, 0.86))) == []


@pytest.mark.parametrize("holds", ["no", "unsettled"])
def test_a_rule_that_does_not_hold_is_enough_to_look_for_causes(holds: str) -> None:
    reasons = [Reason.model_validate({"holds": holds, "words": ""})]
    assert [each.cause for each in causes(evidence(reasons=reasons, training=FALLING))] == ["undertrained"]


def test_a_rule_that_the_verdict_does_not_heed_is_no_reason_to_look() -> None:
    reasons = [Reason(holds="unsettled", words="", blocks=False)]
    assert causes(evidence(reasons=reasons, training=FALLING)) == []


def test_what_costs_most_comes_first_and_hints_come_last() -> None:
    shown = lost(
        scores=scores(0.70, 0.90),
        people=noise(0.15),
        usage=[usage("student", cut_off=40)],
        training=FALLING,
        failure_modes=[mode("yes")],
    )
    found = [each.cause for each in causes(shown)]
    assert found == ["cut_off", "label_noise", "teacher_ceiling", "style_collapse", "undertrained"]


def test_answers_that_were_cut_off_are_not_called_malformed_as_well() -> None:
    shown = lost(scores=scores(0.70, 1.0, schema=0.88), usage=[usage("student", cut_off=12)])
    assert [each.cause for each in causes(shown)] == ["cut_off"]


def test_metrics_that_share_a_cause_share_its_words() -> None:
    both = Scores(
        estimates=[estimate(who, mean, name) for who, mean in (("student", 0.7), ("teacher", 0.85)) for name in "ab"],
        differences=[],
    )
    [found] = causes(lost(scores=both))
    assert found.words.startswith("a: ")
    assert "; b: " in found.words


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_scores_are_diagnosed_without_an_error(student: float, teacher: float, slice: float) -> None:
    differences = [to_teacher(student - teacher), to_teacher(slice - 1, "gift", n=3)]
    estimates = [estimate("student", student), estimate("teacher", teacher)]
    found = causes(lost(scores=Scores(estimates=estimates, differences=differences)))
    assert len({each.cause for each in found}) == len(found)
