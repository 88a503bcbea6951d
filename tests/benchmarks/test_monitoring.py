"""How soon a drop is noticed, and how often one that is none: rows audited a week, true drop, holdout, teacher's cost.

python -m pytest tests/benchmarks/test_monitoring.py -s -o addopts=""
"""

from statistics import median

import numpy as np
import pytest

from tests.tasks.monitoring.simulated import WEEKS, weeks_to_notice

TIMES, YEARS = 200, 100
HOLDOUT = 400
USD_A_ROW = 0.00262  # what an answer of the example's teacher costs, as if bought (README)


def found_in(rows: int, rate: float, drop: float, holdout: int, healthy: int, weeks: int = 26) -> list[int | None]:
    draw = np.random.default_rng(rows + holdout + healthy + round(1000 * drop))
    return [
        weeks_to_notice(draw, rows, holdout, lambda week: rate - drop * (week >= healthy), healthy, healthy + weeks)
        for _ in range(TIMES)
    ]


def share_by(found: list[int | None], weeks: int) -> float:
    return sum(each is not None and each <= weeks for each in found) / len(found)


@pytest.mark.parametrize("rate", [0.9, 0.95, 0.98])
def test_operating_characteristics(rate: float) -> None:
    print(f"\nagreement {rate:.0%}, holdout {HOLDOUT}, the drop after 8 healthy weeks; {TIMES} simulations each")
    print("rows a week  $ a year  false alarms a year   drop: within 4 weeks, median weeks")
    for rows in (50, 100, 200, 400):
        draw = np.random.default_rng(rows)
        alarms = [weeks_to_notice(draw, rows, HOLDOUT, lambda week: rate, 0, WEEKS) for _ in range(YEARS)]
        cells: list[str] = []
        for drop in (0.03, 0.05, 0.1):
            found = found_in(rows, rate, drop, HOLDOUT, 8)
            late = median(99 if each is None else each for each in found)
            cells.append(f"{drop:.0%}: {share_by(found, 4):.0%}, {'never' if late == 99 else f'{late:.0f}'}")
        false = sum(each is not None for each in alarms) / YEARS
        print(f"{rows:>11}  {rows * WEEKS * USD_A_ROW:>8.0f}  {false:>19.1%}   {'   '.join(cells)}", flush=True)
        assert false <= 0.1


def test_at_which_holdout_five_points_are_found_within_four_weeks() -> None:
    print(f"\n5 points on 200 rows a week, found within 4 weeks; {TIMES} simulations each")
    print("agreement  holdout   healthy weeks before: 0, 4, 8, 16, 26")
    for rate in (0.9, 0.95, 0.98):
        for holdout in (200, 400, 1000, 2000):
            shares = [share_by(found_in(200, rate, 0.05, holdout, healthy, 4), 4) for healthy in (0, 4, 8, 16, 26)]
            print(f"{rate:>9.0%}  {holdout:>7}   {', '.join(f'{each:.0%}' for each in shares)}", flush=True)
