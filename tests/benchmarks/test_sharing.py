"""What a bucket beside the store costs a run that has nothing to do: on the host that did the work, and on another."""

import shutil
import statistics
import time
from pathlib import Path

import pytest

from tests.bucket import Bucket
from tests.flows.conftest import finished
from tests.flows.small_project import Finished, run
from tests.postgres import Server

__all__ = ["finished"]  # a fixture
TIMES = 5


def seconds(finished: Finished) -> float:
    started = time.perf_counter()
    run(finished.project)
    return time.perf_counter() - started


def said(what: str, taken: list[float]) -> None:
    print(f"{what:<50} {statistics.median(taken):5.2f} s  ({min(taken):.2f} to {max(taken):.2f})")


def test_a_run_with_nothing_to_do(
    finished: Finished, bucket: Bucket, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = postgres.new_schema()
    monkeypatch.setenv("STILLHOUSE_LEDGER", where)
    monkeypatch.setenv("STILLHOUSE_REGISTRY", where)
    root: Path = shutil.copytree(finished.store, bucket.host("one"))
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) / 1e6
    print(f"\nthe small project: 7 stages, a store of {size:.1f} MB, PostgreSQL and moto on this machine")
    said("with the bucket, which has nothing yet", [seconds(finished)])
    without, beside, another = list[float](), list[float](), list[float]()
    for number in range(TIMES):  # in turns, for the machine has other work too
        bucket.host("one")
        monkeypatch.delenv("STILLHOUSE_OBJECTS")
        without.append(seconds(finished))
        monkeypatch.setenv("STILLHOUSE_OBJECTS", bucket.url)
        beside.append(seconds(finished))
        bucket.host(f"another {number}")
        another.append(seconds(finished))
    said("without a bucket", without)
    said("with the bucket, which has everything", beside)
    said("with the bucket, on a host with an empty store", another)
