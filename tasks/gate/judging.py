"""Whether a rule of the gate holds on the evidence, and why, in words and numbers."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tasks.evidence import ALL, Difference, Estimate, Holds, Reason, Scores
from tasks.gate.bounds import STATED, at_confidence, corrected, failed_as_one
from tasks.gate.rules import EACH, GateRule
from tasks.statistics import Interval, rows_to_settle

_FURTHEST: dict[Holds, int] = {"no": 0, "unsettled": 1, "yes": 2}


class _Test(NamedTuple):
    """The bound, on which side of it the measure must lie, and the bound in words."""

    bound: float
    side: Literal["above", "at_or_above", "at_or_below"]
    words: str


class _Judged(NamedTuple):
    """What a rule measured, the test that it is put to at a confidence, and whether it holds there."""

    seen: Estimate
    test: _Test
    interval: Interval
    holds: Holds

    def margin(self) -> float:
        """How far on the right side of the bound the interval lies, below 0 where it does not."""
        high, low = self.test.bound - self.interval.high, self.interval.low - self.test.bound
        return high if self.test.side == "at_or_below" else low


def judge(rule: GateRule, scores: Scores, confidence: float = STATED, ceiling: Sequence[Estimate] = ()) -> list[Reason]:
    """Whether a rule holds at a confidence: one reason, or one for every slice where it asks for `each`.

    A rule that needs a champion holds while there is none. Where every slice must hold, each is held to the confidence
    as it is, for to claim all of them is no bolder than to claim one (intersection-union test, Berger 1982); but one
    slice fails the student only where it does so at the confidence corrected for how many there are. The student is
    not asked to agree more with the teacher than the teacher does with itself, by the ceiling.
    """
    found = _wanted(rule, scores)
    if not found and _about_champion(rule) and not any("champion" in _systems(each) for each in _measured(scores)):
        return [Reason(holds="yes", words=f"{_named(rule)}: there is no champion yet to compare with")]
    if not found:
        return [Reason(holds="no", words=f"{_named(rule)} was not measured on {_where(rule.part, rule.slice)}")]
    tests = [_attainable(_test(rule), rule, each.slice, ceiling) for each in found]
    together = zip(found, tests, strict=True)
    judged = [_judged(each, test, scores, confidence, len(found)) for each, test in together]
    if rule.slice == EACH:
        return [_reason(rule, each, confidence, 1) for each in judged]
    worst = min(judged, key=lambda each: (_FURTHEST[each.holds], each.margin()))
    return [_reason(rule, worst, confidence, len(judged))]


def _about_champion(rule: GateRule) -> bool:
    """Of the champion, against it, or by a judge's preference, whose metric names whom it is over."""
    return "champion" in rule.systems or rule.metric.endswith("_over_champion")


def _measured(scores: Scores) -> list[Estimate]:
    return [*scores.estimates, *scores.differences]


def _systems(seen: Estimate) -> set[str]:
    return {seen.system} | ({seen.versus} if isinstance(seen, Difference) else set())


def _wanted(rule: GateRule, scores: Scores) -> list[Estimate]:
    """What the rule is about; where every slice must hold and rows have none, all of them together."""
    found: Sequence[Estimate] = scores.differences if rule.versus else scores.estimates
    of_it = [each for each in found if (each.system, each.metric, each.part) == (rule.of, rule.metric, rule.part)]
    of_it = [each for each in of_it if getattr(each, "versus", None) == rule.versus]
    if not rule.by_slice:
        return [each for each in of_it if each.slice == rule.slice][:1]
    return [each for each in of_it if each.slice != ALL] or of_it


def _judged(seen: Estimate, test: _Test, scores: Scores, confidence: float, looks: int) -> _Judged:
    worst = failed_as_one(seen) if test.side == "at_or_below" else seen
    compared = _compared(seen, scores)
    interval = at_confidence(worst, compared, confidence)
    wider = at_confidence(worst, compared, corrected(confidence, looks)) if looks > 1 else interval
    holds = "yes" if _holds(interval, test) else "no" if _fails(wider, test) else "unsettled"
    return _Judged(seen, test, interval, holds)


def _compared(seen: Estimate, scores: Scores) -> tuple[Estimate, Estimate] | None:
    if not isinstance(seen, Difference):
        return None
    rows = seen.metric, seen.part, seen.slice
    own = {each.system: each for each in scores.estimates if (each.metric, each.part, each.slice) == rows}
    return (own[seen.system], own[seen.versus]) if {seen.system, seen.versus} <= own.keys() else None


def _test(rule: GateRule) -> _Test:
    if rule.at_least is not None:
        return _Test(rule.at_least, "at_or_above", f"at least {rule.at_least:.1%}")
    if rule.at_most is not None:
        return _Test(rule.at_most, "at_or_below", f"at most {rule.at_most:.1%}")
    if rule.better_by is not None:
        return _Test(
            rule.better_by, "above", f"better than {rule.versus} by more than {100 * rule.better_by:.1f} points"
        )
    allowed = rule.not_worse_by or 0.0
    return _Test(-allowed, "at_or_above", f"not worse than {rule.versus} by more than {100 * allowed:.1f} points")


def _attainable(test: _Test, rule: GateRule, slice: str, ceiling: Sequence[Estimate]) -> _Test:
    """The test, or where the teacher agrees with itself less often than a student shall, that much instead."""
    if rule.at_least is None or rule.of != "student" or rule.part not in ("holdout", "unseen"):
        return test
    itself = "teacher", rule.metric, "again", slice
    for each in ceiling:
        if (each.system, each.metric, each.part, each.slice) == itself and each.high < test.bound:
            lowered = (
                f"at least {each.high:.1%}, the most that the teacher agrees with itself, and not {test.bound:.1%}"
            )
            return test._replace(bound=each.high, words=lowered)
    return test


def _holds(interval: Interval, test: _Test) -> bool:
    match test.side:
        case "above":
            return interval.low > test.bound
        case "at_or_above":
            return interval.low >= test.bound
        case "at_or_below":
            return interval.high <= test.bound


def _fails(interval: Interval, test: _Test) -> bool:
    match test.side:
        case "above":
            return interval.high <= test.bound
        case "at_or_above":
            return interval.high < test.bound
        case "at_or_below":
            return interval.low > test.bound


def _reason(rule: GateRule, judged: _Judged, confidence: float, looks: int) -> Reason:
    seen, test, interval = judged.seen, judged.test, judged.interval
    settle = rows_to_settle(interval, test.bound) if judged.holds == "unsettled" and seen.n else 0
    where = _where(rule.part, seen.slice) + (f", the worst of {looks} slices" if looks > 1 else "")
    words = f"{_named(rule)} must be {test.words}: {_figure(interval, bool(rule.versus))}"
    words += "" if confidence == STATED else f" at {100 * confidence:.4g} %"
    words += f" on {seen.n} rows of {where}{_failed(seen, test)}{_unjudged(seen)}"
    return Reason(holds=judged.holds, words=words + _to_settle(seen, settle), rows_to_settle=settle)


def _figure(seen: Interval, compares: bool) -> str:
    if compares:
        return f"{100 * seen.mean:+.1f} points [{100 * seen.low:+.1f}, {100 * seen.high:+.1f}]"
    return f"{seen.mean:.1%} [{seen.low:.1%}, {seen.high:.1%}]"


def _failed(seen: Estimate, test: _Test) -> str:
    if not seen.failed:
        return ""
    return f", {seen.failed} of them failed and counted as {'1' if test.side == 'at_or_below' else '0'}"


def _unjudged(seen: Estimate) -> str:
    return f"; {seen.unjudged} more have no readable verdict of a judge" if seen.unjudged else ""


def _to_settle(seen: Estimate, settle: int) -> str:
    if not settle:
        return ""
    smallest = seen.detectable if isinstance(seen, Difference) else 0.0
    shown = f"so many show differences from {100 * smallest:.1f} points on; " if smallest else ""
    return f"; {shown}about {settle} rows would settle it"


def _named(rule: GateRule) -> str:
    return rule.metric if rule.of == "student" else f"{rule.metric} of {rule.of}"


def _where(part: str, slice: str) -> str:
    return part if slice == ALL else f"{part}, slice {slice}"
