"""Bulk asking beside the raw SDKs and other clients, against the provider on loopback. `make bench` prints the figures.

The floor is a bare aiohttp client that records nothing. Rounds are interleaved; figures are medians over them.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.benchmarks.peers.install import PINNED, install
from tests.provider import Behaviour, provider_process, read_asked

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv" / "peers"
OURS = "stillhouse"
SDKS = ("sdk --transport aiohttp", "sdk --transport httpx")
OTHERS = ("curator", "data_designer", "litellm", "distilabel")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


@pytest.fixture(scope="module")
def there() -> set[str]:
    """The peers that install."""
    found = {OURS}
    PEERS.mkdir(parents=True, exist_ok=True)
    for name in PINNED:
        try:
            install(PEERS, name)
            found.add(name)
        except RuntimeError as error:
            print(f"{name} does not install: {error}")
    return found


def command(peer: str, url: str, requests: int, in_flight: int, *more: object) -> list[str]:
    name, *options = peer.split()
    python = sys.executable if name == OURS else str(PEERS / name / "bin" / "python")
    asked = ["--url", f"{url}/v1", "--requests", requests, "--concurrency", in_flight, *options, *more]
    return [python, "-m", f"tests.benchmarks.peers.peer_{name}", *map(str, asked)]


def ask(peer: str, behaviour: Behaviour, log: Path, requests: int, in_flight: int, *more: object) -> dict[str, Any]:
    """What the peer says of itself, and what the provider saw: the seconds from first request to last answer."""
    log.unlink(missing_ok=True)
    with provider_process(behaviour, log) as url:
        done = run(command(peer, url, requests, in_flight, *more))
    seen = [each for each in read_asked(log) if each.status == 200]
    span = max(each.ended for each in seen) - min(each.started for each in seen) if seen else 0.0
    refused = sum(each.status == 429 for each in read_asked(log))
    return done | {"span": span, "asked": len(seen), "refused": refused}


def run(words: Sequence[str], limit_seconds: float = 600) -> dict[str, Any]:
    environment = os.environ | {"OPENAI_API_KEY": "none", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=limit_seconds, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {"error": done.stderr[-300:], "wall_seconds": 0.0, "cpu_seconds": 0.0}


def test_two_thousand_requests_of_a_second(there: set[str], tmp_path: Path) -> None:
    requests, in_flight = 2_000, 256
    peers = ["floor", OURS, *SDKS] + [peer for peer in OTHERS if peer in there]
    found: dict[str, list[dict[str, Any]]] = {peer: [] for peer in peers}
    for number in range(ROUNDS):
        for peer in peers:
            if number == 0 or peer not in OTHERS:
                behaviour = Behaviour(latency_seconds=1.0)
                found[peer].append(ask(peer, behaviour, tmp_path / "asked.jsonl", requests, in_flight))
    floor = median(each["span"] for each in found["floor"])
    print(f"\n{requests} requests of 1 s, {in_flight} in flight, medians of {ROUNDS} rounds (others once)")
    print(f"{'client':<26} {'first to last':>13} {'of floor':>9} {'CPU ms a request':>17} {'peak MiB':>9} {'lost':>5}")
    for peer, rounds in found.items():
        span = median(each["span"] for each in rounds)
        cpu = median(each["cpu_seconds"] for each in rounds) / requests * 1000
        peak = median(each.get("peak_mib", 0) for each in rounds)
        lost = rounds[0].get("lost", rounds[0].get("error"))
        print(f"{peer:<26} {span:>11.2f} s {span / floor:>9.2f} {cpu:>17.2f} {peak:>9.0f} {lost:>5}")
    assert all(each["lost"] == each["misaligned"] == 0 for each in found[OURS])


def test_three_thousand_a_minute(there: set[str], tmp_path: Path) -> None:
    requests, burst, latency = 1_000, 50, 0.2
    ideal = (requests - burst) / 50 + latency
    print(f"\n{requests} requests against 3,000 a minute (50 at once), 256 in flight; ideal {ideal:.1f} s")
    for headers in (True, False):
        for peer, retries in ((OURS, None), (SDKS[0], None), (SDKS[0], 10)):
            more = () if retries is None else ("--retries", retries)
            behaviour = Behaviour(latency_seconds=latency, requests_per_minute=3000, limit_headers=headers)
            rounds = [
                ask(peer, behaviour, tmp_path / "asked.jsonl", requests, 256, *more)
                for _ in range(ROUNDS if peer == OURS else 1)
            ]
            span, refused = (median(each[name] for each in rounds) for name in ("span", "refused"))
            print(
                f"limit headers {'on ' if headers else 'off'} {peer:<24} retries {retries or 'default':<8} "
                f"{span / ideal:5.2f} of ideal, refused {refused:.0f}, lost {rounds[0]['lost']}"
            )
            assert peer != OURS or all(each["lost"] == 0 for each in rounds)


def test_killed_in_the_middle_and_one_row_edited(there: set[str], tmp_path: Path) -> None:
    requests, in_flight, log = 1_000, 64, tmp_path / "asked.jsonl"
    print(f"\n{requests} rows, {in_flight} in flight, killed at about 500; then again with one row edited")
    for peer in [OURS] + [peer for peer in ("curator", "data_designer", "litellm") if peer in there]:
        work = tmp_path / peer
        with provider_process(Behaviour(latency_seconds=0.5), log) as url:
            words = command(peer, url, requests, in_flight, "--work", work)
            environment = os.environ | {"OPENAI_API_KEY": "none", "PYTHONPATH": str(ROOT)}
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = subprocess.Popen(words, env=environment, start_new_session=True, **quiet)
            while len(read_asked(log)) < 500 and process.poll() is None:
                time.sleep(0.02)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            time.sleep(1)
            before = len(read_asked(log))
            run(words)
            again = len(read_asked(log)) - requests
            at_end = len(read_asked(log))
            said = run(command(peer, url, requests, in_flight, "--work", work, "--edited", 7))
            edited = len(read_asked(log)) - at_end
        log.unlink()
        print(f"{peer:<14} answered at the kill {before}, bought again {again}, after the edit {edited}, {said}")


def test_a_hundred_thousand_rows_in_bounded_memory(tmp_path: Path) -> None:
    print("\nStillhouse's peak by rows, latency 50 ms, 256 in flight")
    for rows in (2_000, 10_000, 100_000):
        said = ask(OURS, Behaviour(latency_seconds=0.05), tmp_path / "asked.jsonl", rows, 256)
        print(f"{rows:>7} rows: {said['peak_mib']:.0f} MiB, {said['span']:.0f} s, {said['lost']} lost")
        assert said["lost"] == said["misaligned"] == 0
