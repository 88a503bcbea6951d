"""What scored answers amount to: every system by metric, part and slice, the student less the others, what it takes."""

from collections.abc import Iterator, Sequence
from statistics import fmean, median

from tasks.evidence import ALL, Difference, Estimate, Usage
from tasks.rows import Scored
from tasks.statistics import difference_interval, mean_interval


def estimates(scored: Sequence[Scored]) -> Iterator[Estimate]:
    """Every metric of every system, over each part as a whole and by slice."""
    for (system, part, name), rows in _by_slice(scored).items():
        failed = sum(bool(row["error"]) for row in rows)
        for metric in rows[0]["scores"]:
            interval = mean_interval([row["scores"][metric] for row in rows], [row["group"] for row in rows])
            yield Estimate(system=system, metric=metric, part=part, slice=name, failed=failed, **interval._asdict())


def differences(scored: Sequence[Scored]) -> Iterator[Difference]:
    """The student less each other system, on identical rows."""
    grouped = _by_slice(scored)
    for (system, part, name), others in grouped.items():
        if system == "student":
            continue
        own = grouped["student", part, name]
        for metric in own[0]["scores"]:
            interval = difference_interval(
                [row["scores"][metric] for row in own],
                [row["scores"][metric] for row in others],
                [row["group"] for row in own],
            )
            yield Difference(
                system="student", versus=system, metric=metric, part=part, slice=name, **interval._asdict()
            )


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
            input_tokens=fmean(row["input_tokens"] for row in rows),
            output_tokens=fmean(row["output_tokens"] for row in rows),
            seconds=fmean(row["seconds"] for row in rows),
            seconds_median=median(row["seconds"] for row in rows),
        )


def _by_slice(scored: Sequence[Scored]) -> dict[tuple[str, str, str], list[Scored]]:
    grouped: dict[tuple[str, str, str], list[Scored]] = {}
    for row in scored:
        for name in dict.fromkeys((ALL, row["slice"])):
            grouped.setdefault((row["system"], row["part"], name), []).append(row)
    return grouped
