from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tasks.monitoring import MonitorConfig, Shadow, draw, fresh
from tasks.rows import Input
from tests.tasks.toys import an_input


def rows(**slices: int) -> list[Input]:
    return [an_input(f"{name} {at}", slice=name) for name, count in slices.items() for at in range(count)]


def by_slice(shadows: list[Shadow], drawn: str | None = None) -> Counter[str]:
    return Counter(each.row["slice"] for each in shadows if drawn in (None, each.drawn))


@given(common=st.integers(0, 80), rare=st.integers(0, 8), wanted=st.integers(1, 40), floor=st.integers(0, 20))
def test_a_row_is_drawn_once_and_half_of_them_at_least_from_all(
    common: int, rare: int, wanted: int, floor: int
) -> None:
    there = fresh(rows(common=common, rare=rare), set())
    shadows = draw(there, MonitorConfig(rows=wanted, floor=floor))
    assert len({each.key for each in shadows}) == len(shadows) <= wanted
    assert sum(each.drawn == "all" for each in shadows) >= min(len(there), wanted) / 2
    assert len(shadows) == min(len(there), wanted) or floor


def test_a_rare_slice_has_its_floor_and_what_is_drawn_from_all_is_the_same_without_one() -> None:
    there = fresh(rows(common=2000, rare=12), set())
    shadows = draw(there, MonitorConfig(rows=200, floor=10))
    assert by_slice(shadows)["rare"] >= 10
    plain = [each.key for each in draw(there, MonitorConfig(rows=200, floor=0))]
    taken = [each.key for each in shadows if each.drawn == "all"]
    assert taken == plain[: len(taken)]


def test_every_row_of_the_traffic_is_drawn_by_some_salt_as_often_as_any_other() -> None:
    there = fresh(rows(common=30, rare=2), set())
    drawn = Counter(
        each.key for salt in range(400) for each in draw(there, MonitorConfig(rows=8, floor=0, salt=str(salt)))
    )
    assert drawn.keys() == there.keys()
    assert 60 < min(drawn.values()) <= max(drawn.values()) < 145


def test_the_same_traffic_gives_the_same_rows_in_any_order_and_known_ones_are_passed_over() -> None:
    every = rows(common=50, rare=5)
    first = draw(fresh(every, set()), MonitorConfig(rows=20))
    assert {each.key for each in draw(fresh(every[::-1], set()), MonitorConfig(rows=20))} == {
        each.key for each in first
    }
    known = {each.key for each in first}
    assert known.isdisjoint(each.key for each in draw(fresh(every, known), MonitorConfig(rows=20)))
