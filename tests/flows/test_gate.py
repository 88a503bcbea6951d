from typing import Any

import pytest

from flows.gate import check_measured
from tasks.failure_modes import FailureModes, measured
from tests.tasks.gate.figures import rule

MODES = measured(FailureModes())
OPPONENTS = {"tone_over_base": "base", "tone_over_champion": "champion"}


def checked(has_base: bool = True, **about: Any) -> None:
    scored = {"intent", *OPPONENTS}
    check_measured([rule(**about)], MODES | {"holdout": scored | MODES["holdout"]}, scored, OPPONENTS, has_base)


@pytest.mark.parametrize("metric", OPPONENTS)
def test_a_rule_about_a_preference_of_the_student_is_fine(metric: str) -> None:
    checked(metric=metric, at_least=0.5)


@pytest.mark.parametrize("about", [{"of": "teacher", "at_least": 0.5}, {"versus": "base", "better_by": 0.1}], ids=str)
def test_a_preference_is_the_students_alone(about: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="tone_over_base is the student's alone and compares it with the base itself"):
        checked(metric="tone_over_base", **about)


def test_a_preference_over_the_base_needs_one() -> None:
    with pytest.raises(ValueError, match=r"tone_over_base asks for the base, and train\.base names none"):
        checked(has_base=False, metric="tone_over_base", at_least=0.5)
    checked(has_base=False, metric="tone_over_champion", at_least=0.5)


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (
            {"metric": "perplexity", "part": "prose", "of": "base", "at_most": 0.5},
            "perplexity is not measured of the base",
        ),
        ({"metric": "passed", "part": "general", "of": "teacher", "at_least": 0.5}, "not measured of the teacher"),
        ({"metric": "brier", "versus": "base", "better_by": 0.1}, "brier is compared with nobody; give at_most"),
        (
            {"metric": "copied", "part": "all", "versus": "base", "not_worse_by": 0.1},
            "only with the teacher, not with the",
        ),
    ],
)
def test_a_failure_modes_metric_is_asked_of_those_alone_that_have_it(about: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        checked(**about)


@pytest.mark.parametrize(
    "about",
    [
        {"metric": "passed", "part": "general", "versus": "base", "not_worse_by": 0.1},
        {"metric": "alike_pairs", "part": "all", "of": "teacher", "at_most": 0.9},
        {"metric": "score", "part": "unseen", "versus": "teacher", "not_worse_by": 0.2},
    ],
)
def test_and_of_those_that_have_it_it_may_be(about: dict[str, Any]) -> None:
    checked(**about)
