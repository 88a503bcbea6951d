"""Which rows of the traffic the teacher is asked about: some drawn from all, and some more of slices that are rare."""

import hashlib
from collections.abc import Collection, Sequence
from typing import NamedTuple

from tasks.monitoring.config import MonitorConfig
from tasks.monitoring.records import Drawn
from tasks.reviews import row_key
from tasks.rows import Input


class Shadow(NamedTuple):
    """A row to audit, what it is known by, and from what it was drawn."""

    row: Input
    key: str
    drawn: Drawn


def fresh(rows: Sequence[Input], known: Collection[str]) -> dict[str, Input]:
    """Each conversation that was not audited before, once, by its key."""
    by_key = {row_key(row): row for row in reversed(rows)}
    return {key: row for key, row in reversed(by_key.items()) if key not in known}


def draw(rows: dict[str, Input], config: MonitorConfig) -> list[Shadow]:
    """The rows to audit: at least half of them drawn from all, so that nothing is looked away from; the rest are for
    slices that fall short of the floor, the one with the fewest first.

    Each row draws by a hash of its conversation and the salt, so the same traffic gives the same slice, whenever and in
    whatever order it comes.
    """
    order = sorted(rows, key=lambda key: _draw(key, config.salt))
    kept = _short(order[: config.rows], rows, config)
    taken = order[: config.rows - min(kept, config.rows // 2)]
    left = order[len(taken) :]
    shadows = [Shadow(rows[key], key, "all") for key in taken]
    room = config.rows - len(taken)
    for name in _rarest_first(taken, rows):
        missing = config.floor - sum(rows[key]["slice"] == name for key in taken)
        more = [key for key in left if rows[key]["slice"] == name][: max(0, min(missing, room))]
        shadows += [Shadow(rows[key], key, "slice") for key in more]
        room -= len(more)
    return shadows


def _short(taken: Sequence[str], rows: dict[str, Input], config: MonitorConfig) -> int:
    """How many rows the floors would ask for beside these."""
    there, own = _slices(rows, rows), _slices(taken, rows)
    return sum(max(0, min(config.floor, count) - own.get(name, 0)) for name, count in there.items())


def _rarest_first(taken: Sequence[str], rows: dict[str, Input]) -> list[str]:
    own = _slices(taken, rows)
    return sorted(_slices(rows, rows), key=lambda name: (own.get(name, 0), name))


def _slices(keys: Collection[str], rows: dict[str, Input]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key in keys:
        counts[rows[key]["slice"]] = counts.get(rows[key]["slice"], 0) + 1
    return counts


def _draw(key: str, salt: str) -> str:
    return hashlib.sha256(f"shadow {salt} {key}".encode()).hexdigest()
