"""How the error of a year is spent, so that a test may be looked at as often as one likes.

What a look may err by is the share of a year that passed since the look before, divided among what is tested then
(Bonferroni's inequality). Whoever looks daily spends a seventh of a weekly look each time, and no more in all.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

YEAR_SECONDS = 365.25 * 24 * 3600.0


class Shares(NamedTuple):
    """The error of one metric's test over all rows, and of one metric's in one slice."""

    whole: float
    slice: float


def share_of_year(seconds: float) -> float:
    """What of a year's error a look may spend that comes so long after the one before: nothing where no time passed."""
    return min(1.0, max(0.0, seconds) / YEAR_SECONDS)


def shares(error: float, metrics: int, slices: int) -> Shares:
    """An error divided among metrics: half to all rows and half to the slices, where there are several."""
    if slices < 2:
        return Shares(error / metrics, 0.0)
    return Shares(error / metrics / 2, error / metrics / 2 / slices)


def windows(looks: int) -> list[int]:
    """How many of the latest looks are taken together, each number in turn: one, two, four and so on, and all."""
    doubling = [2**power for power in range((looks - 1).bit_length())] if looks else []
    return [*doubling, looks] if looks else []


def deviations(error: float) -> float:
    """By how many standard errors something must fall to be told from chance at this error; endless where it is 0."""
    return -NormalDist().inv_cdf(error) if error > 0 else math.inf


def chance(by: float) -> float:
    """How often chance alone brings a fall by so many standard errors, or more."""
    return math.erfc(by / math.sqrt(2)) / 2
