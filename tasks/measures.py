"""What scored answers amount to: every system by metric, part and slice, the student less the others, what it takes."""

from collections.abc import Iterator, Sequence
from statistics import fmean, median, quantiles

from tasks.evidence import ALL, Difference, Estimate, Usage
from tasks.models import CUT_OFF
from tasks.rows import Scored
from tasks.scorers import NO_LABEL, Labels
from tasks.statistics import (
    Interval,
    detectable_difference,
    difference_interval,
    macro_f1_difference,
    macro_f1_interval,
    mean_interval,
    with_unjudged,
)


def estimates(scored: Sequence[Scored], labels: Sequence[Labels] = ()) -> Iterator[Estimate]:
    """Every metric of every system, over each part as a whole and by slice; macro-F1 where answers are labels.

    A slice of which no verdict could be read has an estimate too, which says that it may be anything.
    """
    grouped = _by_slice(scored)
    for (system, part, name), rows in grouped.items():
        failed = sum(bool(row["error"]) for row in rows)
        about = {"system": system, "part": part, "slice": name, "failed": failed}
        for metric in _metrics(grouped[system, part, ALL]):
            judged = [row for row in rows if metric in row["scores"]]
            interval = mean_interval(_values(judged, metric), _groups(judged))
            unjudged = len(rows) - len(judged)
            seen = with_unjudged(interval, unjudged)
            yield Estimate(metric=metric, unjudged=unjudged, **about, **seen._asdict())
        for scorer in labels:
            seen = macro_f1_interval(_given(rows, scorer), _wanted(rows, scorer), _groups(rows))
            yield Estimate(metric=macro_f1(scorer), **about, **seen._asdict())


def differences(scored: Sequence[Scored], labels: Sequence[Labels] = ()) -> Iterator[Difference]:
    """The student less each other system, on identical rows."""
    grouped = _by_slice(scored)
    for (system, part, name), others in grouped.items():
        if system == "student":
            continue
        own = grouped["student", part, name]
        failed = sum(bool(row["error"]) for row in own)
        theirs = _metrics(grouped[system, part, ALL])
        for metric in [each for each in _metrics(grouped["student", part, ALL]) if each in theirs]:
            interval, unjudged = _less(own, others, metric)
            yield _difference(interval, system, metric, part, name, failed, unjudged)
        for scorer in labels:
            given = _given(own, scorer), _given(others, scorer)
            interval = macro_f1_difference(*given, _wanted(own, scorer), _groups(own))
            yield _difference(interval, system, macro_f1(scorer), part, name, failed)


def macro_f1(scorer: Labels) -> str:
    """The metric that a label scorer gives over rows, beside its accuracy."""
    return f"{scorer.name}_macro_f1"


def usage(scored: Sequence[Scored]) -> Iterator[Usage]:
    """Means a row, by system."""
    by_system: dict[str, list[Scored]] = {}
    for row in scored:
        by_system.setdefault(row["system"], []).append(row)
    for system, rows in by_system.items():
        yield Usage(
            system=system,
            rows=len(rows),
            failed=sum(bool(row["error"]) for row in rows),
            cut_off=sum(row["finish_reason"] in CUT_OFF for row in rows),
            input_tokens=fmean(row["input_tokens"] for row in rows),
            cached_tokens=fmean(row["cached_tokens"] for row in rows),
            cache_write_tokens=fmean(row["cache_write_tokens"] for row in rows),
            output_tokens=fmean(row["output_tokens"] for row in rows),
            seconds=fmean(row["seconds"] for row in rows),
            seconds_median=median(row["seconds"] for row in rows),
            seconds_p95=_percentile_95([row["seconds"] for row in rows]),
        )


def _percentile_95(values: Sequence[float]) -> float:
    return values[0] if len(values) == 1 else quantiles(values, n=20, method="inclusive")[-1]


def _less(own: Sequence[Scored], others: Sequence[Scored], metric: str) -> tuple[Interval, int]:
    """The difference on the rows of which both were judged, and how many were not."""
    pairs = [
        (one, other)
        for one, other in zip(own, others, strict=True)
        if metric in one["scores"] and metric in other["scores"]
    ]
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    interval = difference_interval(_values(first, metric), _values(second, metric), _groups(first))
    unjudged = len(own) - len(pairs)
    return with_unjudged(interval, unjudged, lowest=-1.0), unjudged


def _difference(
    interval: Interval, versus: str, metric: str, part: str, slice: str, failed: int, unjudged: int = 0
) -> Difference:
    return Difference(
        system="student",
        versus=versus,
        metric=metric,
        part=part,
        slice=slice,
        failed=failed,
        unjudged=unjudged,
        detectable=detectable_difference(interval),
        **interval._asdict(),
    )


def _metrics(rows: Sequence[Scored]) -> list[str]:
    return list(dict.fromkeys(metric for row in rows for metric in row["scores"]))


def _values(rows: Sequence[Scored], metric: str) -> list[float]:
    return [row["scores"][metric] for row in rows]


def _groups(rows: Sequence[Scored]) -> list[str]:
    return [row["group"] for row in rows]


def _given(rows: Sequence[Scored], scorer: Labels) -> list[str | None]:
    """None where there is no label, which is not what a reference without one wants either."""
    labels = [NO_LABEL if row["error"] else scorer.label(row["text"]) for row in rows]
    return [None if label == NO_LABEL else label for label in labels]


def _wanted(rows: Sequence[Scored], scorer: Labels) -> list[str]:
    return [scorer.label(row["reference"]) for row in rows]


def _by_slice(scored: Sequence[Scored]) -> dict[tuple[str, str, str], list[Scored]]:
    grouped: dict[tuple[str, str, str], list[Scored]] = {}
    for row in scored:
        for name in dict.fromkeys((ALL, row["slice"])):
            grouped.setdefault((row["system"], row["part"], name), []).append(row)
    return grouped
