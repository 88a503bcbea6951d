"""How answers look beside what they are worth: length, form, refusals, failures, tokens and time, row by row."""

from collections.abc import Iterator, Mapping, Sequence
from math import log1p
from typing import NamedTuple

from tasks.evidence import Found, Moved
from tasks.models import CUT_OFF, Answer
from tasks.monitoring.records import Audit, Judged
from tasks.monitoring.spending import chance, shares, windows
from tasks.rules.look import MARKS, look
from tasks.rules.refusals import refuses

_SHARES = ("refuses", "failed", "cut_off", *MARKS)
"""Habits that an answer has or has not; the others are amounts, compared as multiples."""

_POINTS, _MULTIPLE = 0.05, 0.25
"""What matters: five rows in a hundred more or fewer, or a typical amount a quarter larger or smaller."""


def habits(answer: Answer) -> dict[str, float]:
    """An answer's habits: shares as 0 or 1, amounts as logarithms; an amount that nobody told is left out."""
    if answer.error:
        return {"failed": 1.0}
    seen = look(answer.text)
    had = {mark: float(mark in seen.marks) for mark in MARKS}
    told = {"output tokens": answer.output_tokens, "input tokens": answer.input_tokens, "seconds": answer.seconds}
    amounts = {name: log1p(amount) for name, amount in told.items() if amount}
    return (
        {"failed": 0.0, "refuses": float(refuses(answer.text)), "cut_off": float(answer.finish_reason in CUT_OFF)}
        | had
        | {"words": log1p(seen.words)}
        | amounts
    )


class _Sample(NamedTuple):
    rows: int
    mean: float
    variance: float


def moved_habits(promotion: Sequence[Judged], audits: Sequence[Audit], error: float) -> Iterator[Moved]:
    """Each habit now against promotion, up or down, over rows drawn from all; the window in which it moved surest."""
    looks = [[row.habits for row in audit.rows if row.drawn == "all"] for audit in audits]
    before = [row.habits for row in promotion]
    names = list(dict.fromkeys(name for own in (before, *looks) for row in own for name in row))
    tried = windows(len(looks))
    for name in names:
        allowed = shares(error, len(names), 0).whole / max(1, len(tried)) / 2
        then = _sample(before, name)
        nows = [_sample([row for look in looks[-count:] for row in look], name) for count in tried]
        found = [_moved(name, then, now, allowed) for now in nows if now.rows > 1 and then.rows > 1]
        if found:
            yield min(found, key=lambda each: (each.found != "yes", each.chance))


def _sample(rows: Sequence[Mapping[str, float]], name: str) -> _Sample:
    values = [row[name] for row in rows if name in row]
    if len(values) < 2:
        return _Sample(len(values), 0.0, 0.0)
    mean = sum(values) / len(values)
    return _Sample(len(values), mean, sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _moved(name: str, then: _Sample, now: _Sample, allowed: float) -> Moved:
    """Welch's comparison (1947), each variance with a row more that lies a whole unit off, for rare habits."""
    error = sum((each.variance + 1 / each.rows) / each.rows for each in (then, now)) ** 0.5
    apart = now.mean - then.mean
    likely = chance(abs(apart) / error)
    size, matters = (abs(apart), _POINTS) if name in _SHARES else (abs(apart), log1p(_MULTIPLE))
    found: Found = "yes" if likely <= allowed and size >= matters else "no"
    words = (
        f"{name.replace('_', ' ')}: {_told(name, then.mean)} at promotion, {_told(name, now.mean)} of {now.rows} rows"
    )
    return Moved(about=name, words=words, size=size, matters=matters, chance=likely, allowed=allowed, found=found)


def _told(name: str, mean: float) -> str:
    from math import expm1

    return f"{mean:.1%}" if name in _SHARES else f"{expm1(mean):.3g} typically"
