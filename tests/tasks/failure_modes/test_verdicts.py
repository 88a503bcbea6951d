import pytest

from tasks.failure_modes.verdicts import estimate, fires, not_measured, opposite, points
from tasks.statistics import Interval


def about(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 50, 40)


@pytest.mark.parametrize(
    ("measured", "holds"),
    [
        ([about(0.3, 0.5)], "yes"),
        ([about(0.2, 0.5)], "unsettled"),
        ([about(0.1, 0.2)], "no"),
        ([about(0.1, 0.9)], "unsettled"),
        ([about(0.0, 0.1), about(0.3, 0.4)], "yes"),
        ([about(0.1, 0.9), about(0.3, 0.4)], "yes"),
        ([about(0.0, 0.1), about(0.1, 0.9)], "unsettled"),
    ],
)
def test_it_fires_by_the_bound_and_not_by_the_mean(measured: list[Interval], holds: str) -> None:
    assert fires(0.2, *measured) == holds


def test_the_opposite_of_the_opposite_is_the_same() -> None:
    assert opposite(about(-0.1, 0.3)) == about(-0.3, 0.1)
    assert opposite(opposite(about(-0.1, 0.3))) == about(-0.1, 0.3)


def test_a_figure_carries_its_rows_groups_and_interval() -> None:
    found = estimate(about(0.1, 0.3), "copying", "all")
    assert (found.mean, found.low, found.high, found.n, found.groups) == (0.2, 0.1, 0.3, 50, 40)
    assert points(about(0.1, 0.3)) == "20.0 points [10.0, 30.0]"


def test_what_is_not_measured_does_not_fire() -> None:
    found = not_measured("copying", 0.1, "no rows")
    assert (found.fires, found.measured, found.words) == ("no", False, "not measured: no rows")
