"""What intervals beside every number take: 3 systems, 6 metrics and a macro-F1, 20 slices, recorded answers.

Each size in a process of its own: seconds of `estimates` and `differences` with the resampling of macro-F1, CPU
seconds, and the peak of the process, its rows included. Asked: 10,000 rows in 30 s and 1 GiB on 2 cores, and no more
than in proportion for more.

BENCH_ROWS=1000,10000 pytest tests/benchmarks/test_evaluating.py -o addopts="-q -s"
"""

import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from tasks.evaluate import differences, estimates
from tasks.evidence import ALL
from tasks.rows import Scored
from tasks.statistics import Interval, macro_f1_difference, macro_f1_interval

SIZES = [int(size) for size in os.environ.get("BENCH_ROWS", "1000,3000,10000,30000").split(",")]
SYSTEMS = {"teacher": 0.95, "base": 0.6, "student": 0.9}
METRICS = ("intent", "action", "both", "schema", "chrf", "rouge")
GRADED = ("chrf", "rouge")
SLICES, LABELS = 20, 25


def recorded(size: int) -> list[Scored]:
    """Every system's answers to the same rows, two in a group on average; some labels are rare."""
    draw = random.Random(size)
    rows = [
        (f"slice {draw.randrange(SLICES)}", str(draw.randrange(size // 2)), int(LABELS * draw.random() ** 2))
        for _ in range(size)
    ]
    return [
        Scored(
            id=str(at),
            slice=slice,
            group=group,
            part="holdout",
            system=system,
            text=str(label if draw.random() < right else draw.randrange(LABELS)),
            reference=str(label),
            approved=True,
            error="",
            input_tokens=80,
            output_tokens=40,
            seconds=0.5,
            scores={
                metric: draw.random() ** 0.3 if metric in GRADED else float(draw.random() < right) for metric in METRICS
            },
        )
        for system, right in SYSTEMS.items()
        for at, (slice, group, label) in enumerate(rows)
    ]


def macro_f1s(scored: Sequence[Scored]) -> Iterator[Interval]:
    """Of each system, and of the student less each other, as a whole and by slice."""
    for name in [ALL, *(f"slice {number}" for number in range(SLICES))]:
        own = {
            system: [row for row in scored if row["system"] == system and name in (ALL, row["slice"])]
            for system in SYSTEMS
        }
        wanted = [row["reference"] for row in own["student"]]
        groups = [row["group"] for row in own["student"]]
        given = {system: [row["text"] for row in rows] for system, rows in own.items()}
        for system in SYSTEMS:
            yield macro_f1_interval(given[system], wanted, groups)
            if system != "student":
                yield macro_f1_difference(given["student"], given[system], wanted, groups)


def test_ten_thousand_rows_by_three_systems() -> None:
    print(f"\n{'rows':>7} {'intervals':>10} {'seconds':>8} {'of macro-F1':>12} {'CPU s':>6} {'MiB':>5}")
    for size in SIZES:
        told = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.test_evaluating", str(size)],
            capture_output=True,
            text=True,
            check=True,
        )
        print(told.stdout.strip("\n"), flush=True)


def measured(size: int) -> None:
    scored = recorded(size)
    started, spent = time.monotonic(), time.process_time()
    found = len(list(estimates(scored))) + len(list(differences(scored)))
    resampling = time.monotonic()
    found += len(list(macro_f1s(scored)))
    now, spent = time.monotonic(), time.process_time() - spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"{size:>7} {found:>10} {now - started:>8.1f} {now - resampling:>12.1f} {spent:>6.1f} {peak:>5.0f}")


if __name__ == "__main__":
    measured(int(sys.argv[1]))
