import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.monitoring.comparing import Moments, drop, moments, together, whole
from tasks.monitoring.spending import chance, deviations, share_of_year, shares, windows

scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def sample(values: list[float]) -> Moments:
    return moments(values, range(len(values)))


@given(before=scores, now=scores)
def test_what_fell_one_way_rose_the_other_by_as_much(before: list[float], now: list[float]) -> None:
    there, back = (drop({"": sample(one)}, {"": sample(other)}) for one, other in ((before, now), (now, before)))
    assert there.size == pytest.approx(-back.size)
    assert there.deviations == pytest.approx(-back.deviations, abs=1e-3)
    assert there.size == pytest.approx(np.mean(before) - np.mean(now))


@given(values=scores, cut=st.integers(0, 40))
def test_samples_together_are_as_one(values: list[float], cut: int) -> None:
    first, second = sample(values[:cut]), sample(values[cut:])
    joined = whole(together([{"a": first}, {"b": second}]))
    assert joined.rows == len(values)
    assert joined.total == pytest.approx(sum(values))


def test_two_rows_that_differ_a_little_are_no_certain_drop() -> None:
    assert drop({"": sample([0.39])}, {"": sample([0.36])}).deviations < 1


def test_rows_of_a_group_count_once() -> None:
    assert moments([1.0, 0.0, 1.0], ["a", "a", "b"]) == Moments(2, 1.5, 1.25)


def test_a_slice_that_was_not_there_before_is_held_to_all_that_was() -> None:
    before = {"old": Moments(400, 400, 400)}
    assert drop(before, {"new": Moments(20, 10, 10)}) == drop(before, {"old": Moments(20, 10, 10)})
    assert drop({}, {"new": Moments(20, 10, 10)}) == (0.0, 0.0)


@pytest.mark.parametrize(("before", "now", "rate"), [(300, 20, 0.97), (50, 200, 0.9), (1000, 200, 0.99)])
def test_chance_alone_brings_large_drops_no_more_often_than_is_said(before: int, now: int, rate: float) -> None:
    draw, times = np.random.default_rng(1), 4000
    pairs = zip(draw.binomial(before, rate, times), draw.binomial(now, rate, times), strict=True)
    found = [
        drop({"": Moments(before, a, a)}, {"": Moments(now, b, b)}).deviations
        for a, b in ((float(one), float(two)) for one, two in pairs)
    ]
    for reach in (2.0, 2.6):
        assert np.mean(np.asarray(found) > reach) < 1.5 * chance(reach) + 2 * (chance(reach) / times) ** 0.5


@given(looks=st.integers(1, 400))
def test_windows_double_until_they_hold_all(looks: int) -> None:
    found = windows(looks)
    assert found == sorted(set(found))
    assert found[-1] == looks
    assert all(each == 2**power for power, each in enumerate(found[:-1]))


@given(seconds=st.floats(-1e9, 1e9), slices=st.integers(0, 50), metrics=st.integers(1, 9))
def test_no_more_than_the_error_is_spent(seconds: float, slices: int, metrics: int) -> None:
    assert 0 <= share_of_year(seconds) <= 1
    given = shares(0.05, metrics, slices)
    assert metrics * (given.whole + slices * given.slice) <= 0.05 + 1e-12


def test_chance_and_deviations_are_each_others_reverse() -> None:
    assert chance(deviations(0.001)) == pytest.approx(0.001)
    assert chance(deviations(0.0)) == 0
