"""How often one holdout may decide before its verdicts mean too little."""

import math
from collections.abc import Collection, Sequence
from itertools import takewhile
from statistics import NormalDist
from typing import NamedTuple

from tasks.evidence import Wear
from tasks.gate.bounds import STATED

_TAIL = (1 - STATED) / 2
_WORN = 2.0  # intervals twice as wide: a holdout that is worth a quarter of its rows


class Earlier(NamedTuple):
    """A decision on a student, and the rows that it rests on: whatever tells one from another."""

    decision: str
    rows: frozenset[str]


def wear(decision: str, rows: Collection[str], history: Sequence[Earlier], error_rate: float) -> Wear:
    """How worn these rows are when they decide on a student, after what the history, oldest first, holds before it.

    A former decision counts by the share of today's rows that it saw; to repeat one is free, as it tells nothing new.
    The k-th may err with the chance 2 · error_rate / 4ᵏ, and never more than a 95 % interval does. However the next
    candidate is chosen by whether the last one went on stage, a holdout that decided k − 1 times can have led to at
    most 2ᵏ⁻¹ candidates, so the chance that any candidate passes which should not is at most Σ 2ᵏ⁻¹ · 2 · error_rate /
    4ᵏ = error_rate (the union over the tree of answers, as in Blum and Hardt 2015). A report tells more than that, and
    each decision needs wider intervals: rows are worn out where those are twice as wide as at first.
    """
    seen = set(rows)
    former = [len(seen & each.rows) / len(seen) for each in takewhile(lambda each: each.decision != decision, history)]
    decided = 1 + math.ceil(math.fsum(former) - 1e-9)
    at_most = _at_most(error_rate)
    confidence = 1 - 2 * _allowed(min(decided, at_most), error_rate)
    fresh = math.ceil(len(seen) * (math.fsum(former) / (at_most - 1) - 1)) if decided > at_most else 0
    words = _words(decided, at_most, confidence, fresh)
    return Wear(decided=decided, at_most=at_most, words=words, confidence=confidence, fresh_rows=fresh)


def _allowed(decision: int, error_rate: float) -> float:
    """The chance with which a decision may err."""
    return min(_TAIL, 2 * error_rate * 4.0**-decision)


def _at_most(error_rate: float) -> int:
    """The last decision whose intervals are less than twice as wide as those at 95 %; two at least."""
    normal = NormalDist()
    last = normal.cdf(-_WORN * normal.inv_cdf(1 - _TAIL))
    return max(2, math.floor(math.log(2 * error_rate / last, 4)))


def _words(decided: int, at_most: int, confidence: float, fresh: int) -> str:
    told = f"decision {decided} of at most {at_most} on these holdout rows"
    if fresh:
        return (
            f"{told}: they are worn out, and promote nobody any more. Hold out {fresh} fresh rows or more: add inputs, "
            "and raise split.holdout or filter.gold with them"
        )
    return told if confidence == STATED else f"{told}; rules are held at {100 * confidence:.4g} % for it"
