"""Whether a failure mode shows: what was measured, with its interval, against a threshold."""

from tasks.evidence import ALL, Difference, Estimate, FailureMode, Holds
from tasks.statistics import Interval

FEWEST_ROWS = 10
"""With fewer rows nothing is measured."""

WITHOUT_BASE = "it compares the student with the base, and train.base names none"


WITHOUT_SCORER = "it takes a scorer that is no judge, and evaluate.scorers has none"


_MOST_FAILED = 0.1


def too_many_failed(failed: int, asked: int) -> bool:
    """Whether so many requests failed that what is left says too little."""
    return failed > _MOST_FAILED * asked


def fires(threshold: float, *measured: Interval) -> Holds:
    """Yes where an interval lies above the threshold, no where none reaches beyond it. The means decide nothing."""
    found: list[Holds] = [_fires(threshold, each) for each in measured]
    return worst(*found)


def _fires(threshold: float, measured: Interval) -> Holds:
    if measured.low > threshold:
        return "yes"
    return "no" if measured.high <= threshold else "unsettled"


def worst(*found: Holds) -> Holds:
    """What several tests come to: yes where one fires, no where none can."""
    if "yes" in found:
        return "yes"
    return "unsettled" if "unsettled" in found else "no"


def not_measured(mode: str, threshold: float, why: str) -> FailureMode:
    """A mode that there was too little to measure by, and why."""
    return FailureMode(mode=mode, fires="no", words=f"not measured: {why}", threshold=threshold, measured=False)


def estimate(measured: Interval, metric: str, part: str, system: str = "student", slice: str = ALL) -> Estimate:
    """What was measured of a system, as evidence."""
    return Estimate(system=system, metric=metric, part=part, slice=slice, **measured._asdict())


def difference(measured: Interval, metric: str, part: str, versus: str, slice: str = ALL) -> Difference:
    """The student less another system, as evidence."""
    return Difference(system="student", versus=versus, metric=metric, part=part, slice=slice, **measured._asdict())


def percent(measured: Interval) -> str:
    """A share in words, as `12.0% [8.1%, 17.3%]`."""
    return f"{measured.mean:.1%} [{measured.low:.1%}, {measured.high:.1%}]"


def points(measured: Interval) -> str:
    """A difference of shares in words, as `12.0 points [8.1, 17.3]`."""
    return f"{100 * measured.mean:.1f} points [{100 * measured.low:.1f}, {100 * measured.high:.1f}]"


def opposite(measured: Interval) -> Interval:
    """The other system less this one."""
    return measured._replace(mean=-measured.mean, low=-measured.high, high=-measured.low)
