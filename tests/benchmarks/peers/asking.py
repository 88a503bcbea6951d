"""The arguments that every peer takes, and the line of JSON that it prints."""

import argparse
import contextlib
import importlib.metadata
import json
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.peers.rows import EDITED, prompts

NOWHERE = "http://127.0.0.1:9"

Answers = Sequence[str | BaseException | None]
"""A text for each row; where it is lost, why, as far as the peer says."""


class Asked(NamedTuple):
    """What a peer is to do."""

    url: str
    concurrency: int
    prompts: list[str]
    retries: int | None
    """None: as many as the peer does by itself."""
    work: Path
    """A folder for the peer's cache and state."""
    resumes: bool
    """Whether the folder outlives this run, so that keeping a cache there is worth it."""
    options: argparse.Namespace
    """What only this peer takes."""


Prepare = Callable[[Asked], Callable[[], Answers]]
"""Imports the peer and builds its client; what it returns is the bulk call."""


def measure(peer: str, package: str, prepare: Prepare, **options: Sequence[str]) -> int:
    """Builds the client with `prepare`, times the call that it returns, and prints what came of it.

    An option is named by a keyword, with the choices that it has, the default first.
    """
    given = _arguments(options)
    os.environ |= {"HTTPS_PROXY": NOWHERE, "https_proxy": NOWHERE}  # what a peer looks for elsewhere is refused at once
    with tempfile.TemporaryDirectory() as passing:
        work = given.work.absolute() if given.work else Path(passing)
        work.mkdir(parents=True, exist_ok=True)
        rows = prompts(given.requests, given.words, given.edited)
        asked = Asked(given.url, given.concurrency, rows, given.retries, work, given.work is not None, given)
        with contextlib.redirect_stdout(sys.stderr):
            ask = prepare(asked)
            taken, answers, error = _timed(ask, len(rows))
    name = "-".join([peer, *(getattr(given, option) for option in options)])
    found = _outcome(answers, given.edited) | taken | ({"error": error} if error else {})
    print(json.dumps({"peer": name, "version": importlib.metadata.version(package), "requests": len(rows)} | found))
    return 1 if error else 0


def _arguments(options: dict[str, Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True, help="the OpenAI base URL, as in http://127.0.0.1:8000/v1")
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--concurrency", type=int, required=True, help="requests in flight at once")
    parser.add_argument("--words", type=int, default=40, help="in each prompt")
    parser.add_argument("--retries", type=int, help="the peer's own default where not given")
    parser.add_argument("--work", type=Path, help="keep the cache here, and resume from it; else nothing is kept")
    parser.add_argument("--edited", type=int, metavar="ROW", help="change this row's prompt")
    for option, choices in options.items():
        parser.add_argument(f"--{option}", choices=choices, default=choices[0])
    return parser.parse_args()


def _timed(ask: Callable[[], Answers], rows: int) -> tuple[dict[str, float], Answers, str | None]:
    """Wall and CPU seconds of the call, the peak, the answers; where the peer gave up, its error and no answers."""
    cpu, child, started = _cpu_seconds(), _largest_child(), time.monotonic()
    answers: Answers = [None] * rows
    error = None
    try:
        answers = ask()
    except Exception as gave_up:
        traceback.print_exc()
        error = f"{type(gave_up).__name__}: {gave_up}"[:300]
    wall, cpu, largest = time.monotonic() - started, _cpu_seconds() - cpu, _largest_child()
    peak = _own_peak() + (largest if largest > child else 0)
    taken = {"wall_seconds": round(wall, 3), "cpu_seconds": round(cpu, 3), "peak_mib": round(peak, 1)}
    return taken, answers, error


def _outcome(answers: Answers, edited: int | None) -> dict[str, Any]:
    """Answers by what became of them; stale is an answer to what an edited row asked before."""
    given = {row: answer for row, answer in enumerate(answers) if isinstance(answer, str)}
    outcome: dict[str, Any] = {
        "answered": len(given),
        "misaligned": sum(f"Row {row}:" not in answer for row, answer in given.items()),
        "lost": len(answers) - len(given),
    }
    if why := Counter(type(answer).__name__ for answer in answers if isinstance(answer, BaseException)):
        outcome["lost_to"] = dict(why)
    return outcome if edited is None else outcome | {"stale": int(edited in given and EDITED not in given[edited])}


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _largest_child() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10


def _own_peak() -> float:
    """Not getrusage's: that one begins at the peak of whoever started this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**10
