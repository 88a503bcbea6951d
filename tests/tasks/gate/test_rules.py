from typing import Any

import pytest
from pydantic import ValidationError

from tests.tasks.gate.figures import rule


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
        {"versus": "base", "of": "teacher", "better_by": 0.1},
        {"at_least": 1.1},
        {"at_least": -0.1},
        {"at_least": float("nan")},
        {"versus": "base", "not_worse_by": -0.1},
        {"at_least": 0.5, "of": "judge"},
        {"at_least": 0.5, "at_leats": 0.5},
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rule(**bounds)


@pytest.mark.parametrize(
    ("bounds", "systems"),
    [
        ({"at_least": 0.5}, {"student"}),
        ({"at_least": 0.5, "of": "teacher"}, {"teacher"}),
        ({"versus": "champion", "better_by": 0.1}, {"student", "champion"}),
    ],
)
def test_a_rule_names_the_systems_that_it_needs(bounds: dict[str, Any], systems: set[str]) -> None:
    assert rule(**bounds).systems == systems
