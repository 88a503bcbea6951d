"""Exact limits of counts, and quantiles: what scipy computes, imported on first use."""

from typing import NamedTuple

Z = 1.959963984540054
"""The 97.5 % point of the standard normal distribution."""


class Limits(NamedTuple):
    """The two ends of a 95 % interval."""

    low: float
    high: float


def student(freedom: float) -> float:
    """The 97.5 % point of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975))


def clopper_pearson(right: float, rows: float) -> Limits:
    """Exact limits of a share (Clopper and Pearson 1934); both counts may be fractions."""
    from scipy.special import betaincinv

    wrong = rows - right
    low = float(betaincinv(right, wrong + 1, 0.025)) if right > 0 else 0.0
    high = float(betaincinv(right + 1, wrong, 0.975)) if wrong > 0 else 1.0
    return Limits(low, high)


def discordant(won: int, lost: int, rows: int) -> Limits:
    """Exact limits of `(won - lost) / rows` of the pairs that differ: beyond 0 where McNemar's exact test rejects."""
    low, high = clopper_pearson(won, won + lost)
    return Limits((2 * low - 1) * (won + lost) / rows, (2 * high - 1) * (won + lost) / rows)
