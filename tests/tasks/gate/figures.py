"""Evidence as a table writes it: an interval, and who, what and where it is of."""

from typing import Any

from tasks.evidence import ALL, Difference, Estimate, Scores
from tasks.gate import GateRule


def rule(**bounds: Any) -> GateRule:
    return GateRule.model_validate({"metric": "intent"} | bounds)


def estimate(low: float, high: float, **more: Any) -> Estimate:
    about = {"system": "student", "metric": "intent", "part": "holdout", "slice": ALL, "n": 100, "groups": 100}
    return Estimate.model_validate(about | {"mean": (low + high) / 2, "low": low, "high": high} | more)


def difference(low: float, high: float, versus: str = "base", detectable: float = 0.0, **more: Any) -> Difference:
    return Difference(**estimate(low, high, **more).model_dump(), versus=versus, detectable=detectable)


def scores(*seen: Estimate) -> Scores:
    own = [each for each in seen if not isinstance(each, Difference)]
    return Scores(estimates=own, differences=[each for each in seen if isinstance(each, Difference)])
