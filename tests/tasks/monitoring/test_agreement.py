"""Simulated years: how often a retrain is asked for without a drift, and how soon one is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.monitoring import Audit, Judged, MonitorConfig, agreement, promoted, seen, watched
from tests.tasks.monitoring.simulated import WEEKS, agreed, judged, noticed, weeks_to_notice

CONFIG = MonitorConfig()


def within(share: float, times: int, of: int) -> bool:
    """Whether so many times are no more than chance would bring at this share, nine times in ten."""
    return times <= share * of + 1.3 * (of * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("rate", [0.8, 0.95, 0.99])
def test_without_a_drift_a_retrain_is_asked_for_in_at_most_a_twentieth_of_years(rate: float) -> None:
    draw, years = np.random.default_rng(1), 60
    alarms = [weeks_to_notice(draw, 200, 300, lambda week: rate, 0, WEEKS) for _ in range(years)]
    assert within(0.05, sum(each is not None for each in alarms), years)


@pytest.mark.parametrize(("rate", "holdout", "healthy"), [(0.95, 400, 16), (0.95, 2000, 0), (0.98, 400, 4)])
def test_five_points_are_found_within_four_weeks_nine_times_in_ten(rate: float, holdout: int, healthy: int) -> None:
    draw, times = np.random.default_rng(2), 150
    found = [
        weeks_to_notice(draw, 200, holdout, lambda week: rate - 0.05 * (week >= healthy), healthy, healthy + 4)
        for _ in range(times)
    ]
    assert within(0.1, found.count(None), times)


def test_looking_every_day_asks_no_more_often_than_looking_every_week() -> None:
    draw, alarms, years = np.random.default_rng(5), 0, 10
    for _ in range(years):
        days = [agreed(draw, 0.9, 28) for _ in range(150)]
        alarms += noticed(agreed(draw, 0.9, 300), days, CONFIG, looks_a_year=365) is not None
    assert alarms <= 1


def in_slices(draw: np.random.Generator, rates: dict[str, float], rows: dict[str, int], floor: int = 0) -> list[Judged]:
    """An audit: so many rows a slice drawn from all, and more of a slice that falls short of the floor."""
    found: list[Judged] = []
    for name, rate in rates.items():
        here = int(draw.poisson(rows[name])) if rows[name] < 20 else rows[name]
        found += judged(draw, rate, here, name)
        found += judged(draw, rate, max(0, floor - here), name, "slice")
    return found


def test_a_student_that_is_quietly_bad_on_a_rare_slice_is_found_there() -> None:
    draw, times, found = np.random.default_rng(3), 20, 0
    rows, good = {"common": 150, "usual": 48, "rare": 1}, {"common": 0.95, "usual": 0.95}
    for _ in range(times):
        promotion = in_slices(draw, good, {"common": 300, "usual": 96})
        quiet = [
            Audit(float(week), 1 / WEEKS, {}, [], in_slices(draw, good | {"rare": 0.5}, rows, 10)) for week in range(4)
        ]
        fallen = [each.slice for each in watched(promotion, quiet, ["exact"], CONFIG) if each.found == "yes"]
        found += fallen == ["rare"]
    assert found >= 0.9 * times


def test_a_slice_that_was_hard_from_the_first_is_no_drop_though_promotion_saw_few_rows_of_it() -> None:
    draw, alarms, rates = np.random.default_rng(8), 0, {"easy": 0.97, "hard": 0.75}
    for _ in range(20):
        promotion = in_slices(draw, rates, {"easy": 380, "hard": 20})
        year = [
            Audit(float(week), 1 / WEEKS, {}, [], in_slices(draw, rates, {"easy": 190, "hard": 10}))
            for week in range(26)
        ]
        looks = [watched(promotion, year[:weeks], ["exact"], CONFIG) for weeks in (1, 4, 13, 26)]
        alarms += any(each.found == "yes" for look in looks for each in look)
    assert alarms <= 1


def test_another_mix_of_slices_alone_is_no_drop() -> None:
    draw, alarms, rates = np.random.default_rng(4), 0, {"easy": 0.99, "hard": 0.6}
    for _ in range(20):
        promotion = in_slices(draw, rates, {"easy": 300, "hard": 100})
        moved = [in_slices(draw, rates, {"easy": 40, "hard": 160}) for _ in range(6)]
        year = [Audit(float(week), 1 / WEEKS, {}, [], rows) for week, rows in enumerate(moved)]
        alarms += any(each.found == "yes" for each in watched(promotion, year, ["exact"], CONFIG))
    assert alarms <= 1


def test_a_loss_that_does_not_matter_is_not_found_however_sure_it_is() -> None:
    draw = np.random.default_rng(6)
    promotion, looks = agreed(draw, 1.0, 20_000), [agreed(draw, 0.985, 20_000)]
    assert noticed(promotion, looks, CONFIG) is None
    assert noticed(promotion, looks, CONFIG.model_copy(update={"smallest_drop": 0.01})) == 0


def test_where_no_time_passed_nothing_can_be_found() -> None:
    draw = np.random.default_rng(7)
    at_once = [Audit(0.0, 0.0, {}, [], judged(draw, 0.1, 200))]
    assert [each.found for each in watched(judged(draw, 1.0, 400), at_once, ["exact"], CONFIG)] == ["no"]
    assert seen(at_once, ["exact"], CONFIG)[0].agreement["exact"].low == 0


@given(shares=st.lists(st.floats(0, 1), min_size=1, max_size=5), marks=st.lists(st.booleans(), max_size=30))
def test_intervals_hold_their_mean_and_agreement_lies_between_nothing_and_all(
    shares: list[float], marks: list[bool]
) -> None:
    names = [str(at) for at in range(len(shares))]
    student, teacher = dict(zip(names, shares, strict=True)), dict(zip(names, reversed(shares), strict=True))
    assert all(0 <= value <= 1 for value in agreement(student, teacher).values())
    assert agreement(student, student) == dict.fromkeys(names, 1.0)
    rows = judged(np.random.default_rng(0), 0.5, len(marks))
    [measure] = promoted(rows, ["exact"]).values()
    assert 0 <= measure.low <= measure.mean <= measure.high <= 1
