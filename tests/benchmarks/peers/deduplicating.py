"""What every peer of the near-duplicate benchmark takes and prints: texts in, links and what they took out."""

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

Find = Callable[[Sequence[str], float], Iterable[tuple[int, int]]]
"""Links between the positions of texts that are taken for duplicates at a threshold."""


def measure(find: Find) -> None:
    """Reads a JSON list of texts, finds links at each threshold, and prints a line of JSON for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("texts", type=Path)
    parser.add_argument("thresholds", type=float, nargs="+")
    given = parser.parse_args()
    texts = json.loads(given.texts.read_text())
    before = _peak_mib()
    for threshold in given.thresholds:
        started, cpu = time.monotonic(), _cpu_seconds()
        links = [(int(one), int(two)) for one, two in find(texts, threshold)]
        taken = {"seconds": time.monotonic() - started, "cpu_seconds": _cpu_seconds() - cpu}
        print(json.dumps(taken | {"threshold": threshold, "mib": _peak_mib() - before, "links": links}), flush=True)


def _cpu_seconds() -> float:
    """Those of this process and of the children that it waited for."""
    spent = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def _peak_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**10
