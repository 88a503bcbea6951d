"""Why a student is not better: causes that the evidence shows, most likely first. No Prefect in here.

What was measured in points of the score comes first, the most points first; what training and data only hint at comes
after. A cause says what it saw in numbers, so that a reader can disagree.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from tasks.evidence import ALL, Cause, CurvePoint, Difference, Estimate, Evidence, Usage
from tasks.learning_curve import HOLDOUT, STUDENT, points
from tasks.people import WHOLE

TEACHER = "teacher"
_SHOWS = 0.02  # the share of rows, of points or of a loss below which nothing is made of it
_CEILING = 0.25  # of what the student lacks, how much the teacher must lack, too
_FEW_IN_SLICE, _FEW_ROWS = 30, 500
_MANY_TOO_LONG = 0.05
_FALLING_UNWATCHED, _FAR_BELOW = 0.1, 0.5
_NAMED = 3
_EXACT = {"fields", "labels", "number"}


class _Found(NamedTuple):
    """What speaks for a cause, and the points of the score that it was measured to cost; 0 for a hint."""

    cause: str
    points: float
    words: str


def causes(evidence: Evidence) -> list[Cause]:
    """Why the student is not better, where it loses: a rule of the verdict does not hold, or a score is surely too low.

    None where it loses nothing.
    """
    lost = [each.metric for each in _to_teacher(evidence) if each.slice == ALL and each.high < 0]
    if not lost and all(reason.holds == "yes" or not reason.blocks for reason in evidence.reasons):
        return []
    metrics = lost or list(_overall(evidence, STUDENT))
    by_cause: dict[str, list[_Found]] = {}
    for look in _LOOKS:
        for found in look(evidence, metrics):
            by_cause.setdefault(found.cause, []).append(found)
    most = sorted(by_cause.values(), key=lambda each: -max(found.points for found in each))
    return [Cause(cause=each[0].cause, words=_joined(each)) for each in most]


def _joined(found: Sequence[_Found]) -> str:
    most = sorted(found, key=lambda each: -each.points)[:_NAMED]
    return "; ".join(each.words for each in most)


def _to_teacher(evidence: Evidence) -> Iterator[Difference]:
    for each in evidence.scores.differences:
        if (each.system, each.versus, each.part) == (STUDENT, TEACHER, HOLDOUT):
            yield each


def _overall(evidence: Evidence, system: str) -> dict[str, Estimate]:
    """A system's estimates on the whole holdout, by metric."""
    wanted = (system, HOLDOUT, ALL)
    return {each.metric: each for each in evidence.scores.estimates if (each.system, each.part, each.slice) == wanted}


def _ceiling(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    """Metrics on which the teacher itself agrees with people, or with itself, little more than the student does."""
    student, teacher = _overall(evidence, STUDENT), _overall(evidence, TEACHER)
    for metric in metrics:
        limits = [each for each in (*evidence.ceiling, *teacher.values()) if (each.metric, each.slice) == (metric, ALL)]
        own = min(limits, key=lambda each: each.high, default=None)
        if own and own.high < 1 and 1 - own.mean >= max(_SHOWS, _CEILING * (1 - student[metric].mean)):
            yield _Found(
                "teacher_ceiling",
                1 - own.mean,
                f"{metric}: the teacher itself comes to no more than {_spread(own)} on {own.n} rows of {own.part}, the "
                f"student to {_spread(student[metric])}",
            )


def _noise(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    """What people found wrong in the teacher's answers, of the fields that are right or wrong and not worded freely."""
    own = [each for each in _scorers(evidence) if each.get("name") in metrics and each.get("scorer") in _EXACT]
    fields = {field for each in own for field in each.get("fields") or [each.get("field") or WHOLE]}
    for each in evidence.people.teacher_errors:
        if each.slice == ALL and each.metric in fields and each.low >= _SHOWS:
            yield _Found(
                "label_noise",
                each.mean,
                f"{each.metric} was wrong in {_spread(each)} of the {each.n} answers of {each.system} that people "
                "looked at, and the student learned from answers like these",
            )


def _format(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    """Answers off the schema that were neither cut off nor failed, by what answers score in their content."""
    schemas = {str(each.get("name")) for each in _scorers(evidence) if each.get("scorer") == "schema"}
    own = _overall(evidence, STUDENT)
    content = [each.mean for metric, each in own.items() if metric not in schemas]
    unfinished = sum((each.cut_off + each.failed) / each.rows for each in _usage(evidence))
    for formed in (own[name] for name in sorted(schemas & own.keys())):
        cost = (1 - formed.mean - unfinished) * fmean(content or [0.0])
        if cost >= _SHOWS:
            yield _Found(
                "format",
                cost,
                f"{formed.metric}: {_spread(formed)} of the student's {formed.n} answers are in the form asked for; "
                f"the content of all of them scores {fmean(content):.1%}",
            )


def _cut_off(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    limit = evidence.config.get("evaluate", {}).get("max_output_tokens")
    for each in _usage(evidence):
        if each.cut_off >= max(1.0, _SHOWS * each.rows):
            yield _Found(
                "cut_off",
                each.cut_off / each.rows,
                f"{each.cut_off} of the student's {each.rows} answers were cut off at evaluate.max_output_tokens"
                f"{'' if limit is None else f'={limit}'}: the limit is too short, or the student does not stop",
            )


def _thin(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    """Slices with few rows to learn from on which the student falls further behind the teacher than on the whole."""
    learned = next((each.slices for each in evidence.funnel if (each.stage, each.outcome) == ("split", "train")), {})
    overall = {each.metric: each for each in _to_teacher(evidence) if each.slice == ALL}
    worst: dict[str, Difference] = {}
    for each in _to_teacher(evidence):
        thin = each.slice != ALL and learned.get(each.slice, 0) < _FEW_IN_SLICE
        if thin and each.metric in metrics and each.mean < min(0.0, overall[each.metric].mean):
            worst[each.slice] = min(worst.get(each.slice, each), each, key=lambda slice: slice.mean)
    behind = sorted(worst.values(), key=lambda each: each.mean * each.n)
    cost = sum(-each.mean * each.n / overall[each.metric].n for each in behind)
    if learned and cost >= _SHOWS:
        told = (f"{each.slice} ({learned.get(each.slice, 0)} rows, {each.metric} {points(each)})" for each in behind)
        yield _Found(
            "thin_slices",
            cost,
            f"{len(behind)} slices have fewer than {_FEW_IN_SLICE} rows to learn from, a rule of thumb, and fall "
            f"further behind the teacher than the rest: {', '.join(list(told)[:_NAMED])}",
        )


def _more_rows(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    curve = evidence.learning_curve
    for each in curve.gains if curve else ():
        if each.metric in metrics and each.low > 0:
            yield _Found(
                "too_little_data",
                each.mean,
                f"{each.metric} still rose by {points(each)} against {each.versus}: more rows would likely help",
            )


def _few_rows(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    rows = evidence.training.rows
    if evidence.learning_curve is None and rows < _FEW_ROWS:
        yield _Found(
            "too_little_data",
            0.0,
            f"{rows} rows were learned; fewer than {_FEW_ROWS} are few by rule of thumb, and `stillhouse curve` tells",
        )


def _failure_modes(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    yield from (_Found(each.mode, 0.0, each.words) for each in evidence.failure_modes if each.fires == "yes")


def _too_long(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    training = evidence.training
    rows = training.rows + training.watched + training.too_long
    if training.too_long >= max(1.0, _MANY_TOO_LONG * rows):
        yield _Found(
            "too_long",
            0.0,
            f"{training.too_long} of {rows} rows were too long to be learned or watched; the longest has "
            f"{training.longest_row} tokens: raise train.max_tokens",
        )


def _undertrained(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    curve = evidence.training.curve
    watched = bool(curve) and curve[-1].validation_loss is not None
    losses = [_validation(each) if watched else each.train_loss for each in curve]
    if len(losses) < 2 or losses[-1] > min(losses) or not losses[-2]:
        return
    fell = 1 - losses[-1] / losses[-2]
    if fell >= (_SHOWS if watched else _FALLING_UNWATCHED):
        yield _Found(
            "undertrained",
            0.0,
            f"the {'validation' if watched else 'training'} loss still fell by {fell:.0%} at the end "
            f"({losses[-2]:.3g} to {losses[-1]:.3g} at step {curve[-1].step}, the last): train for more epochs",
        )


def _overtrained(evidence: Evidence, metrics: Sequence[str]) -> Iterator[_Found]:
    watched = [each for each in evidence.training.curve if each.validation_loss is not None]
    if not watched:
        return
    best, last = min(watched, key=_validation), watched[-1]
    risen = _validation(last) > (1 + _SHOWS) * _validation(best)
    if risen and last.train_loss < _FAR_BELOW * _validation(last):
        yield _Found(
            "overtrained",
            0.0,
            f"the validation loss was lowest at step {best.step} of {last.step} ({_validation(best):.3g}) and rose to "
            f"{_validation(last):.3g}, while the training loss fell to {last.train_loss:.3g}: rows were learned by "
            "heart; lower the learning rate, or train for fewer epochs",
        )


_LOOKS: tuple[Callable[[Evidence, Sequence[str]], Iterator[_Found]], ...] = (
    _ceiling,
    _noise,
    _format,
    _cut_off,
    _thin,
    _more_rows,
    _failure_modes,
    _undertrained,
    _overtrained,
    _too_long,
    _few_rows,
)


def _usage(evidence: Evidence) -> Iterator[Usage]:
    yield from (each for each in evidence.usage if each.system == STUDENT)


def _scorers(evidence: Evidence) -> list[dict[str, Any]]:
    return evidence.config.get("evaluate", {}).get("scorers", [])


def _validation(point: CurvePoint) -> float:
    return point.validation_loss if point.validation_loss is not None else float("inf")


def _spread(estimate: Estimate) -> str:
    return f"{estimate.mean:.1%} [{estimate.low:.1%}, {estimate.high:.1%}]"
