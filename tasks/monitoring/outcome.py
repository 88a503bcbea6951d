"""What follows from the audits: the student is healthy, is to be watched, or is to be trained anew, and why."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tasks.evidence import ALL, Economics, Moved, State, Watched


class Outcome(NamedTuple):
    """A state, and its reasons in words and numbers."""

    state: State
    reasons: list[str]


class Retrain(NamedTuple):
    """What a retrain would have to go on: the new rows, the fewest wanted, and what it costs and saves.

    `left` says that the student is not on stage any more, so that nothing is asked for on its account.
    """

    new_rows: int
    fewest: int
    economics: Economics | None
    requests_a_year: float
    left: str = ""


def decide(watched: Sequence[Watched], moved: Sequence[Moved], retrain: Retrain, hindered: Sequence[str]) -> Outcome:
    """The outcome. Only a loss of agreement asks for a retrain: traffic that moved alone does not hurt while it holds.

    `hindered` says what kept the audit from being whole. A retrain that would not pay, or has too little to learn from,
    is not asked for, and the reasons say so.
    """
    hindered = [*hindered, retrain.left] if retrain.left else hindered
    fallen = [each for each in watched if each.found == "yes"]
    if fallen:
        against = [*too_little(retrain), *would_not_pay(retrain)]
        reasons = [*map(fell, fallen), *_drifts(moved), *against, *hindered]
        return Outcome("watch" if against or retrain.left else "retrain", reasons)
    doubts = [
        *(fell(each, "may have fallen") for each in watched if each.found == "perhaps"),
        *_drifts(moved),
        *hindered,
    ]
    return Outcome("watch", doubts) if doubts else Outcome("healthy", list(_held(watched)))


def fell(each: Watched, how: str = "fell") -> str:
    """A drop in words and numbers."""
    where = "over all rows" if each.slice == ALL else f"in slice {each.slice}"
    return (
        f"agreement on {each.metric} {how} {where}: {each.now:.1%} of {each.rows} rows in the last "
        f"{_audits(each.looks)}, {each.before:.1%} of {each.rows_before} rows before; {100 * each.drop:.1f} points, "
        f"by chance in {each.chance:.2g} of such looks where {each.allowed:.2g} is allowed"
    )


def too_little(retrain: Retrain) -> Iterator[str]:
    """That a retrain would have too little that is new."""
    if retrain.new_rows < retrain.fewest:
        yield (
            f"a retrain has too little new data: {retrain.new_rows} rows were gathered since the champion learned, and "
            f"monitor.new_rows asks for {retrain.fewest}"
        )


def would_not_pay(retrain: Retrain) -> Iterator[str]:
    """That a retrain would cost more than the student saves in a year of this traffic, where both are known."""
    costs = {each.system: each.usd_per_thousand for each in retrain.economics.costs} if retrain.economics else {}
    teacher, student = costs.get("teacher"), costs.get("student")
    training = retrain.economics.training_usd if retrain.economics else None
    if teacher is None or student is None or training is None:
        return
    saved = (teacher - student) * retrain.requests_a_year / 1000
    if saved <= training:
        yield (
            f"a retrain would not pay: training cost ${training:.2f}, and the student saves ${max(0.0, saved):.2f} a "
            f"year at {retrain.requests_a_year:,.0f} requests"
        )


def _drifts(moved: Sequence[Moved]) -> list[str]:
    kinds = {"slices": "the mix of slices moved", "texts": "the traffic's texts moved"}
    return [
        f"{kinds.get(each.about, 'how the student answers moved')}: {each.words}"
        for each in moved
        if each.found == "yes"
    ]


def _held(watched: Sequence[Watched]) -> Iterator[str]:
    for each in watched:
        if each.slice == ALL:
            yield (
                f"agreement on {each.metric} holds: {each.now:.1%} of {each.rows} rows in the last "
                f"{_audits(each.looks)}, {each.before:.1%} of {each.rows_before} before"
            )


def _audits(count: int) -> str:
    return "audit" if count == 1 else f"{count} audits"
