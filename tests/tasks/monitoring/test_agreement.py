"""Simulated years: how often a retrain is asked for without a drift, and how soon one is found."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.monitoring import Audit, MonitorConfig, agreement, promoted, seen, watched
from tests.tasks.monitoring.simulated import WEEKS, audits, judged, noticed

CONFIG = MonitorConfig()
ROWS = {"all": 200}


def within(share: float, times: int, of: int) -> bool:
    """Whether so many times are no more than chance would bring at this share, nine times in ten."""
    return times <= share * of + 1.3 * (of * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("rate", [0.8, 0.95, 0.99])
def test_without_a_drift_a_retrain_is_asked_for_in_at_most_a_twentieth_of_years(rate: float) -> None:
    draw, years, alarms = np.random.default_rng(1), 25, 0
    for _ in range(years):
        year = list(audits(draw, lambda week, name: rate, ROWS, WEEKS))
        alarms += noticed(judged(draw, rate, 300), year, CONFIG) is not None
    assert within(0.05, alarms, years)


@pytest.mark.parametrize(("rate", "holdout", "healthy"), [(0.95, 400, 12), (0.95, 2000, 0), (0.98, 400, 4)])
def test_five_points_are_found_within_four_weeks_nine_times_in_ten(rate: float, holdout: int, healthy: int) -> None:
    draw, times, found = np.random.default_rng(2), 80, 0
    for _ in range(times):
        year = list(audits(draw, lambda week, name: rate - 0.05 * (week >= healthy), ROWS, healthy + 4))
        found += noticed(judged(draw, rate, holdout), year, CONFIG, healthy) is not None
    assert within(0.1, times - found, times)


def test_a_student_that_is_bad_on_a_rare_slice_alone_is_found_there() -> None:
    draw, times, found = np.random.default_rng(3), 20, 0
    rows = {"common": 150, "usual": 48, "rare": 1}
    promotion = [*judged(draw, 0.95, 300, "common"), *judged(draw, 0.95, 96, "usual"), *judged(draw, 1.0, 3, "rare")]
    for _ in range(times):
        year = list(audits(draw, lambda week, name: 0.5 if name == "rare" and week >= 2 else 0.95, rows, 8, floor=10))
        noted = noticed(promotion, year, CONFIG, 2)
        found += noted is not None and noted[1].slice == "rare"
    assert found >= 0.9 * times


def test_another_mix_of_slices_alone_is_no_drop() -> None:
    draw, alarms = np.random.default_rng(4), 0
    promotion = [*judged(draw, 0.99, 300, "easy"), *judged(draw, 0.6, 100, "hard")]
    for _ in range(20):
        year = list(audits(draw, lambda week, name: {"easy": 0.99, "hard": 0.6}[name], {"easy": 40, "hard": 160}, 12))
        alarms += noticed(promotion, year, CONFIG) is not None
    assert alarms <= 1


def test_looking_every_day_asks_no_more_often_than_looking_every_week() -> None:
    draw, alarms, years = np.random.default_rng(5), 0, 6
    for _ in range(years):
        promotion = judged(draw, 0.9, 300)
        days = [Audit(float(day), 1 / 365, {}, [], judged(draw, 0.9, 28)) for day in range(120)]
        alarms += noticed(promotion, days, CONFIG) is not None
    assert alarms <= 1


def test_a_loss_that_does_not_matter_is_not_found_however_sure_it_is() -> None:
    draw = np.random.default_rng(6)
    year = list(audits(draw, lambda week, name: 0.985, {"all": 20_000}, 2))
    assert noticed(judged(draw, 1.0, 20_000), year, CONFIG) is None
    assert noticed(judged(draw, 1.0, 20_000), year, CONFIG.model_copy(update={"smallest_drop": 0.01}))


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


def test_a_year_of_looks_takes_no_time() -> None:
    draw = np.random.default_rng(8)
    year, promotion = list(audits(draw, lambda week, name: 0.9, ROWS, WEEKS)), judged(draw, 0.9, 400)
    started = time.process_time()
    watched(promotion, year, ["exact"], CONFIG)
    assert time.process_time() - started < 2
