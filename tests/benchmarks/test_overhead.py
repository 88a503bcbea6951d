"""What a run of the example costs beside teacher, training and generation: wall and processor seconds, in medians.

A copy is taken of data/store, or of BENCH_STORE, in which `stillhouse run deployments/support.yaml` has finished.
`unchanged` is a run of which every stage is cached; in `anew` all but train and evaluate are done again, and the page.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAIRS = 5
AGAIN = ("sample", "teach", "filter", "split", "promote")


class Spent(NamedTuple):
    """Seconds by the clock, and those that the run's process worked."""

    wall: float
    processor: float


@pytest.fixture
def environment(prefect_server: None, tmp_path: Path) -> dict[str, str]:
    from prefect.settings import get_current_settings

    store = Path(os.environ.get("BENCH_STORE", ROOT / "data" / "store"))
    if not (store / "runs" / "support").is_dir():
        pytest.skip(f"{store} has no finished run of the example: stillhouse run deployments/support.yaml")
    shutil.copytree(store, tmp_path / "store")
    url = str(get_current_settings().api.url)
    return os.environ | {"STILLHOUSE_STORE": str(tmp_path / "store"), "PREFECT_API_URL": url}


def run(environment: dict[str, str]) -> Spent:
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "flows.cli", "run", "deployments/support.yaml"]
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.monotonic() - began, worked)


def forget(store: Path) -> None:
    """The stages that are to be done again, and the page."""
    for stage in AGAIN:
        for record in (store / "keys").glob(f"{stage}-*"):
            record.unlink()
    for page in store.glob("runs/*/*/report.html"):
        page.unlink()


def test_overhead(environment: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    store = Path(environment["STILLHOUSE_STORE"])
    run(environment)  # warm, and done where an older version's stages are not
    spent: dict[str, list[Spent]] = {"unchanged": [], "anew": []}
    for _ in range(PAIRS):
        spent["unchanged"].append(run(environment))
        forget(store)
        spent["anew"].append(run(environment))
    with capsys.disabled():
        print(
            f"\n{'':<10} {'wall s':>8} {'processor s':>12}   median of {PAIRS}, in pairs; load {os.getloadavg()[0]:.1f}"
        )
        for name, each in spent.items():
            wall, processor = (statistics.median(numbers) for numbers in zip(*each, strict=True))
            print(f"{name:<10} {wall:>8.1f} {processor:>12.1f}")
