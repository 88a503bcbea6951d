"""Whether the student still agrees with its teacher as when it was promoted, over all rows and slice by slice."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tasks.evidence import ALL, Found, Measure, Seen, Watched
from tasks.monitoring.comparing import NOTHING, Drop, Moments, Strata, drop, moments, together, whole
from tasks.monitoring.config import MonitorConfig
from tasks.monitoring.records import Audit, Judged
from tasks.monitoring.spending import Shares, chance, deviations, shares, windows

PERHAPS = 12
"""How many times as often as `yes` a drop may be called `perhaps` by chance: some months of a year."""
FEW = 30
"""Where promotion judged fewer rows of a slice, as many more are taken to have been as good as all of them were."""


def agreement(student: Mapping[str, float], teacher: Mapping[str, float]) -> dict[str, float]:
    """What the student keeps of the teacher's score, by metric: 1 where it scores no worse, 0 where all of it is lost.

    Where a metric compares with the teacher's answer that is the student's score; where it needs no reference, a row on
    which the teacher does no better is none that the student got worse.
    """
    return {metric: 1 - max(0.0, teacher[metric] - score) for metric, score in student.items() if metric in teacher}


def watched(
    promotion: Sequence[Judged], audits: Sequence[Audit], metrics: Sequence[str], config: MonitorConfig
) -> list[Watched]:
    """Each metric over all rows, and in each slice that was audited, at the latest of the audits."""
    if not audits:
        return []
    names = sorted({row.slice for audit in audits for row in audit.rows})
    allowed = shares(config.false_alarms * audits[-1].spent, len(metrics), len(names))
    return [each for metric in metrics for each in _of_metric(promotion, audits, metric, names, allowed, config)]


def _of_metric(
    promotion: Sequence[Judged],
    audits: Sequence[Audit],
    metric: str,
    names: Sequence[str],
    allowed: Shares,
    config: MonitorConfig,
) -> Iterator[Watched]:
    before = strata(promotion, metric)
    from_all = [strata([row for row in audit.rows if row.drawn == "all"], metric) for audit in audits]
    every = [strata(audit.rows, metric) for audit in audits]
    yield surest(metric, ALL, before, from_all, allowed.whole, config)
    for name in names if allowed.slice else ():
        own = [{name: look[name]} if name in look else {} for look in every]
        yield surest(metric, name, {name: promised(name, before)}, own, allowed.slice, config)


def promised(name: str, promotion: Strata) -> Moments:
    """What a slice is held to: its own rows, filled up where they are few, and all rows where it has none.

    So a slice that was hard from the first is not held to the easy ones, and one that few looked at is not held to its
    few rows alone.
    """
    own, every = promotion.get(name, NOTHING), whole(promotion)
    if not own.rows or not every.rows:
        return every
    more = max(0, FEW - own.rows)
    return own.and_more(Moments(more, every.mean * more, every.squares / every.rows * more))


def strata(rows: Sequence[Judged], metric: str) -> dict[str, Moments]:
    """The rows' agreement on a metric, by slice; a row that a judge gave no verdict on has none."""
    by_slice: dict[str, list[Judged]] = {}
    for row in rows:
        if metric in row.agreement:
            by_slice.setdefault(row.slice, []).append(row)
    return {
        name: moments([row.agreement[metric] for row in own], [row.group for row in own])
        for name, own in by_slice.items()
    }


class _Window(NamedTuple):
    """The latest looks taken together, what was before them, and how far agreement fell from one to the other."""

    looks: int
    before: Strata
    now: Strata
    drop: Drop


def surest(
    metric: str, name: str, promotion: Strata, looks: Sequence[Strata], allowed: float, config: MonitorConfig
) -> Watched:
    """The window in which a drop is surest, and what is found in any; healthy audits become a part of what was before.

    So a drop is measured against all that came before it, and a slow decline against promotion alone.
    """
    tried = [_window(promotion, looks, count) for count in windows(len(looks))]
    allowed /= len(tried)
    matters = [each for each in tried if each.drop.size >= config.smallest_drop and each.drop.size > 0]
    best = max(matters or tried, key=lambda each: each.drop.deviations)
    now, before = whole(best.now), whole(best.before)
    return Watched(
        metric=metric,
        slice=name,
        before=before.mean if before.rows else 0.0,
        now=now.mean if now.rows else 0.0,
        rows_before=before.rows,
        rows=now.rows,
        looks=best.looks,
        drop=best.drop.size,
        chance=chance(best.drop.deviations),
        allowed=allowed,
        found=_found(best.drop, allowed) if matters else "no",
    )


def _window(promotion: Strata, looks: Sequence[Strata], count: int) -> _Window:
    before, now = together([promotion, *looks[:-count]]), together(looks[-count:])
    return _Window(count, before, now, drop(before, now))


def _found(fallen: Drop, allowed: float) -> Found:
    if allowed <= 0:
        return "no"
    return (
        "yes"
        if chance(fallen.deviations) <= allowed
        else ("perhaps" if chance(fallen.deviations) <= min(0.05, PERHAPS * allowed) else "no")
    )


def promoted(promotion: Sequence[Judged], metrics: Sequence[str]) -> dict[str, Measure]:
    """Each metric's agreement at promotion, with its 95 % interval."""
    return {metric: _measure(whole(strata(promotion, metric)), deviations(0.025)) for metric in metrics}


def seen(audits: Sequence[Audit], metrics: Sequence[str], config: MonitorConfig) -> list[Seen]:
    """The agreement at each audit over the rows drawn from all, with intervals that hold together over a year's."""
    return [
        Seen(
            number=number,
            at=audit.at,
            rows=len(audit.rows),
            agreement={
                metric: _measure(
                    whole(strata([row for row in audit.rows if row.drawn == "all"], metric)),
                    deviations(config.false_alarms * audit.spent / 2 / len(metrics)),
                )
                for metric in metrics
            },
        )
        for number, audit in enumerate(audits, start=1)
    ]


def _measure(sample: Moments, reach: float) -> Measure:
    """A mean with Wilson's interval (1927) at so many standard errors; anything from 0 to 1 where nothing is known."""
    if not sample.rows or math.isinf(reach):
        return Measure(mean=sample.mean if sample.rows else 0.0, low=0.0, high=1.0, n=sample.rows, groups=sample.rows)
    n, mean, weight = sample.rows, sample.mean, reach**2 / sample.rows
    centre = (mean + weight / 2) / (1 + weight)
    half = reach / (1 + weight) * math.sqrt(mean * (1 - mean) / n + weight / 4 / n)
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Measure(mean=mean, low=min(mean, low), high=max(mean, high), n=n, groups=n)
