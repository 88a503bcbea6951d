"""The page of two versions of a project's student, side by side."""

import json
from collections.abc import Iterable, Sequence
from math import hypot
from typing import Any, NamedTuple

from tasks.evidence import ALL, Change, Difference, Estimate, Evidence, changes, settings
from tasks.report import tables
from tasks.report.charts import versions_chart
from tasks.report.page import fill

_MISSING = "(none)"


class Pair(NamedTuple):
    """What two versions measured of the same, either of which may lack it, and the second less the first."""

    first: Estimate | None
    second: Estimate | None
    apart: Difference | None


def render_comparison(first: Evidence, second: Evidence, paired: Sequence[Difference] = ()) -> str:
    """Two versions as one HTML document of the same make as the report of one.

    `paired` are the second student less the first on the rows that both answered, as far as they are known.
    """
    names = (f"version {first.version}", f"version {second.version}")
    chart = versions_chart(first.scores.estimates, second.scores.estimates, names)
    metric = tables.headline(second)
    known = {(each.part, each.metric, each.slice): each for each in paired}
    pairs = {key: pair(first, second, *key, known.get(key)) for key in _measured(first, second)}
    context: dict[str, Any] = {
        "first": first,
        "second": second,
        "names": names,
        "chart": chart,
        "metric": metric,
        "overall": {(part, own): each for (part, own, name), each in pairs.items() if name == ALL},
        "slices": {(part, name): each for (part, own, name), each in pairs.items() if own == metric and name != ALL},
        "paired": bool(paired),
        "same_rows": _holdout(first) == _holdout(second) != "",
        "modes": _modes(first, second),
        "settings": _shown(changes(settings(first.config), settings(second.config))),
        "artefacts": _shown(changes(_made(first), _made(second))),
    }
    return fill("comparison.html", context)


def pair(
    first: Evidence, second: Evidence, part: str, metric: str, name: str, paired: Difference | None = None
) -> Pair:
    """The students' means on a metric over the same part and slice.

    Where the difference is not known row by row, its interval is that of independent samples (Zou and Donner's
    square-and-add): where both answered the same rows it is wider than a paired one, so what it excludes is excluded.
    """
    one, two = (_student(each, part, metric, name) for each in (first, second))
    return Pair(one, two, paired or (_apart(one, two) if one and two else None))


def _apart(first: Estimate, second: Estimate) -> Difference:
    mean = second.mean - first.mean
    below = hypot(second.mean - second.low, first.high - first.mean)
    above = hypot(second.high - second.mean, first.mean - first.low)
    return Difference(
        **second.model_dump(include={"system", "metric", "part", "slice"}),
        versus="student",
        mean=mean,
        low=max(-1.0, mean - below),
        high=min(1.0, mean + above),
        n=min(first.n, second.n),
        groups=min(first.groups, second.groups),
    )


def _student(evidence: Evidence, part: str, metric: str, name: str) -> Estimate | None:
    wanted = ("student", part, metric, name)
    own = evidence.scores.estimates
    return next((each for each in own if (each.system, each.part, each.metric, each.slice) == wanted), None)


def _measured(first: Evidence, second: Evidence) -> list[tuple[str, str, str]]:
    both = [*first.scores.estimates, *second.scores.estimates]
    keys = dict.fromkeys((each.part, each.metric, each.slice) for each in both if each.system == "student")
    return sorted(keys, key=lambda each: each[0])


def _holdout(evidence: Evidence) -> str:
    return next((each.made.get("holdout", "") for each in evidence.stages if each.stage == "split"), "")


def _modes(first: Evidence, second: Evidence) -> dict[str, tuple[str, str]]:
    told = [{each.mode: each.fires for each in own.failure_modes} for own in (first, second)]
    return {mode: (told[0].get(mode, ""), told[1].get(mode, "")) for mode in dict.fromkeys([*told[0], *told[1]])}


def _made(evidence: Evidence) -> dict[str, str]:
    return {f"{stage.stage}: {name}": made for stage in evidence.stages for name, made in stage.made.items()}


def _shown(found: Iterable[Change]) -> list[Change]:
    """The same as a page says them."""

    def said(value: Any) -> str:
        return _MISSING if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return [Change(name=each.name, first=said(each.first), second=said(each.second)) for each in found]
