"""200,000 rows through both batch APIs, in bounded memory. `make bench` prints the figures."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.provider import Behaviour, provider_process

ROWS = int(os.environ.get("BENCH_BATCH_ROWS", "200000"))
LARGEST_MIB = 700
LIMITS = {"openai": (50_000, 200_000_000), "anthropic": (100_000, 256_000_000)}


def work(api: str, url: str, store: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.batch_run", api, url, str(ROWS)]
    environment = os.environ | {"STILLHOUSE_STORE": str(store)}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout)


def pass_time(url: str) -> None:
    request = urllib.request.Request(f"{url}/_clock", b'{"seconds": 7200}', method="PUT")
    urllib.request.urlopen(request).read()


@pytest.mark.parametrize("api", LIMITS)
def test_200_000_rows_fit_the_services_limits_and_the_memory(api: str, tmp_path: Path) -> None:
    with provider_process(Behaviour(batch_seconds=3600), tmp_path / "log") as url:
        began = time.monotonic()
        submitted = work(api, url, tmp_path / "store")
        between = time.monotonic()
        pass_time(url)
        harvested = work(api, url, tmp_path / "store")
        ended = time.monotonic()
    most_rows, most_bytes = LIMITS[api]
    sizes = submitted["batches"]
    print(
        f"\n{api}: {ROWS:,} rows in {len(sizes)} batches of at most {max(rows for rows, _ in sizes):,} rows and "
        f"{max(size for _, size in sizes) / 1e6:.0f} MB; submitted in {between - began:.0f} s with "
        f"{submitted['mib']:.0f} MiB, harvested in {ended - between:.0f} s with {harvested['mib']:.0f} MiB"
    )
    assert sum(rows for rows, _ in sizes) == harvested["answered"] == ROWS
    assert all(rows <= most_rows and size <= most_bytes for rows, size in sizes)
    assert max(submitted["mib"], harvested["mib"]) < LARGEST_MIB
