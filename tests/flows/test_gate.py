from typing import Any

import pytest

from flows.gate import check_measured
from tests.tasks.gate.figures import rule

OPPONENTS = {"tone_over_base": "base", "tone_over_champion": "champion"}


def checked(has_base: bool = True, **about: Any) -> None:
    measured = {"holdout": {"intent", *OPPONENTS}}
    check_measured([rule(**about)], measured, OPPONENTS, has_base)


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
