import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judges import Compared, Preference, Unreadable, agreement, alarm, reliability, self_agreement
from tasks.judges.pairwise import Better
from tasks.judges.reliability import wavering
from tasks.statistics import mean_interval

labels = st.sampled_from(["A", "B", "tie"])
two = st.integers(1, 60).flatmap(
    lambda n: st.tuples(st.lists(labels, min_size=n, max_size=n), st.lists(labels, min_size=n, max_size=n))
)


def judge(gold: list[Better], right: float, order: float, chance: random.Random) -> list[Compared]:
    """One who is right so often, and so often says whichever is first."""
    other: dict[Better, Better] = {"A": "B", "B": "A", "tie": "tie"}
    compared: list[Compared] = []
    for best in gold:
        belief: Better = best if chance.random() < right else other[best]
        swayed = chance.random() < order
        compared.append(Compared(Preference("A" if swayed else belief, ""), Preference("B" if swayed else belief, "")))
    return compared


def some_gold(n: int, chance: random.Random) -> list[Better]:
    return [chance.choice(["A", "B"]) for _ in range(n)]


def test_kappa_is_that_of_the_textbooks() -> None:
    both = [("A", "A")] * 20 + [("A", "B")] * 5 + [("B", "A")] * 10 + [("B", "B")] * 15
    found = agreement([one for one, _ in both], [two for _, two in both])
    assert (found.observed.mean, found.by_chance, found.kappa) == pytest.approx((0.7, 0.5, 0.4))


@given(two)
def test_kappa_is_the_same_both_ways_and_whatever_the_labels_are_called(both: tuple[list[str], list[str]]) -> None:
    first, second = both
    found = agreement(first, second)
    assert found == agreement(second, first)
    assert found == agreement([label == "A" or label for label in first], [label == "A" or label for label in second])
    assert -1.0 <= found.kappa <= found.observed.mean or found.kappa == found.observed.mean == 1.0


@given(st.lists(labels))
def test_who_says_the_same_throughout_agrees_wholly_where_there_was_a_choice(said: list[str]) -> None:
    assert agreement(said, said).kappa == (1.0 if len({*said}) > 1 else 0.0)


def test_no_verdicts_are_no_agreement() -> None:
    found = agreement([], [])
    assert (found.observed.n, found.observed.low, found.observed.high, found.kappa) == (0, 0.0, 1.0, 0.0)


def test_a_good_judge_raises_no_alarm() -> None:
    chance = random.Random(1)
    gold = some_gold(100, chance)
    assert alarm(reliability(judge(gold, right=0.9, order=0.1, chance=chance), gold)) == ""


def test_a_judge_that_guesses_raises_one() -> None:
    chance = random.Random(1)
    gold = some_gold(100, chance)
    said = alarm(reliability(judge(gold, right=0.5, order=0.0, chance=chance), gold))
    assert "not clearly above chance" in said
    assert "orders" not in said


def test_so_does_one_that_heeds_the_order_even_where_there_is_no_gold() -> None:
    chance = random.Random(1)
    shown = reliability(judge(some_gold(100, chance), right=1.0, order=0.6, chance=chance))
    said = alarm(shown)
    assert shown.with_gold is None
    assert shown.first_wins.low > 0.5
    assert f"same in both orders of only {shown.across_orders.observed.mean:.1%}" in said
    assert "at least 75% is asked" in said
    assert alarm(shown, consistent_at_least=0.1) == ""


def test_one_who_always_says_first_is_wholly_inconsistent_and_wholly_biased() -> None:
    shown = reliability([Compared(Preference("A", ""), Preference("B", ""))] * 30, ["A", "B"] * 15)
    assert shown.across_orders.observed.mean == 0.0
    assert shown.first_wins.mean == 1.0
    assert shown.with_gold is not None
    assert shown.with_gold.observed.mean == 0.5


def test_ties_are_no_wins_for_either_place() -> None:
    shown = reliability([Compared(Preference("tie", ""), Preference("tie", ""))] * 9)
    assert shown.first_wins.n == 0
    assert shown.across_orders.observed.mean == 1.0


@given(unread=st.integers(0, 20))
def test_what_cannot_be_read_is_counted_and_moves_no_figure(unread: int) -> None:
    chance = random.Random(2)
    gold = some_gold(40, chance)
    read = judge(gold, right=0.9, order=0.1, chance=chance)
    nothing = Compared(Preference("A", ""), Unreadable("empty"))
    shown = reliability(read + [nothing] * unread, [*gold, *["B"] * unread])
    assert shown.unreadable == unread
    assert shown._replace(unreadable=0) == reliability(read, gold)


def test_where_nothing_can_be_read_the_alarm_says_so() -> None:
    nothing = Compared(Unreadable("empty"), Unreadable("empty"))
    assert alarm(reliability([nothing] * 5, ["A"] * 5)) == "not one of 5 pairs can be read in both orders"


def test_the_two_verdicts_on_a_pair_are_one_observation() -> None:
    chance = random.Random(3)
    gold = some_gold(100, chance)
    shown = reliability(judge(gold, right=0.8, order=0.0, chance=chance), gold)
    assert shown.with_gold is not None
    found = shown.with_gold.observed
    alone = mean_interval([1.0] * 80 + [0.0] * 20, range(100))
    assert (found.n, found.groups) == (200, 100)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.1)


def test_a_judge_agrees_with_itself_as_far_as_its_samples_do() -> None:
    assert self_agreement([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]).mean == 1.0
    found = self_agreement([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 4, 5]])
    assert found.mean == pytest.approx((3 + 2 + 3) / 12)
    assert (found.n, found.groups) == (12, 4)
    assert self_agreement([[1, 2]]).n == 0


@pytest.mark.parametrize(("same", "of", "said"), [(20, 20, False), (12, 20, False), (9, 20, True), (0, 0, False)])
def test_only_who_clearly_says_something_else_the_second_time_raises_an_alarm(same: int, of: int, said: bool) -> None:
    again = self_agreement([[1] * of, [1] * same + [2] * (of - same)])
    assert bool(wavering(again)) == said
