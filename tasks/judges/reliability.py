"""How far a judge can be trusted: agreement with gold, Cohen's kappa, consistency under swapped order, position bias.

Figures rest on what could be read; what could not is counted beside them.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import NamedTuple

from tasks.judges.pairwise import Better, Compared, Preference, swapped
from tasks.judges.reading import Unreadable
from tasks.statistics import Interval, mean_interval

CONSISTENT_AT_LEAST = 0.75
"""Below it more than one verdict in four hangs on the order alone."""


class Concordance(NamedTuple):
    """How often two say the same, how often they would by chance, and kappa: how much of the rest they agree on."""

    observed: Interval
    by_chance: float
    kappa: float


class Reliability(NamedTuple):
    """What pairs asked in both orders show of their judge.

    `with_gold` takes both orders' verdicts, a pair's two as related; it is None where there is no gold. `across_orders`
    is the consistency: the judge's agreement with itself when the order is swapped. `first_wins` is the share of
    verdicts, ties left out, for whichever answer was shown first; a judge without position bias has a half.
    """

    with_gold: Concordance | None
    across_orders: Concordance
    first_wins: Interval
    unreadable: int


def agreement(
    first: Sequence[Hashable], second: Sequence[Hashable], groups: Sequence[Hashable] | None = None
) -> Concordance:
    """How far two sequences of labels agree. Kappa after Cohen (1960); 0 where chance alone would make all agree."""
    observed = mean_interval(
        [float(one == two) for one, two in zip(first, second, strict=True)],
        range(len(first)) if groups is None else groups,
    )
    one, two, rows = Counter(first), Counter(second), max(1, len(first))
    by_chance = sum(count * two[label] for label, count in one.items()) / rows**2
    return Concordance(observed, by_chance, (observed.mean - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0)


def self_agreement(samples: Sequence[Sequence[Hashable]]) -> Interval:
    """How often two samples of the same judge say the same of the same answer, every two samples compared."""
    twos = list(combinations(samples, 2))
    same = [float(one == two) for first, second in twos for one, two in zip(first, second, strict=True)]
    return mean_interval(same, [at for first, _ in twos for at in range(len(first))])


def reliability(compared: Sequence[Compared], gold: Sequence[Better] | None = None) -> Reliability:
    """What these pairs show of their judge; only pairs count of which both orders can be read."""
    read = [at for at, pair in enumerate(compared) if pair.outcome != "unreadable"]
    a_first = [_better(compared[at].a_first) for at in read]
    b_first = [_better(compared[at].b_first) for at in read]
    with_gold = None
    if gold is not None:
        wanted = [gold[at] for at in read]
        with_gold = agreement(a_first + b_first, wanted + wanted, read + read)
    shown_first = a_first + [_better(swapped(compared[at].b_first)) for at in read]
    decided = [(better, pair) for better, pair in zip(shown_first, read + read, strict=True) if better != "tie"]
    return Reliability(
        with_gold=with_gold,
        across_orders=agreement(a_first, b_first),
        first_wins=mean_interval([float(better == "A") for better, _ in decided], [pair for _, pair in decided]),
        unreadable=len(compared) - len(read),
    )


def alarm(shown: Reliability, consistent_at_least: float = CONSISTENT_AT_LEAST) -> str:
    """Why a judge must not be trusted, in words and numbers; empty where nothing speaks against it.

    Its agreement with gold must be clearly above chance: the whole interval. Its consistency under swapped order must
    not be below the floor.
    """
    if not shown.across_orders.observed.n:
        return f"not one of {shown.unreadable} pairs can be read in both orders"
    reasons: list[str] = []
    if shown.with_gold is not None and shown.with_gold.observed.low <= shown.with_gold.by_chance:
        reasons.append(
            f"its agreement with gold is not clearly above chance: {_words(shown.with_gold.observed)}, "
            f"where chance gives {shown.with_gold.by_chance:.1%} (kappa {shown.with_gold.kappa:.2f})"
        )
    if shown.across_orders.observed.mean < consistent_at_least:
        reasons.append(
            f"it says the same in both orders of only {_words(shown.across_orders.observed)}, "
            f"at least {consistent_at_least:.0%} is asked; whichever was shown first wins {_words(shown.first_wins)}"
        )
    return "; ".join(reasons)


def wavering(again: Interval, consistent_at_least: float = CONSISTENT_AT_LEAST) -> str:
    """Why a judge that was asked a second time must not be trusted; empty where it may well agree with itself."""
    if again.high >= consistent_at_least:
        return ""
    return f"asked again it says the same of only {_words(again)}, at least {consistent_at_least:.0%} is asked"


def _words(share: Interval) -> str:
    return f"{share.mean:.1%} [{share.low:.1%}, {share.high:.1%}] of {share.n}"


def _better(said: Preference | Unreadable) -> Better:
    assert not isinstance(said, Unreadable)
    return said.better
