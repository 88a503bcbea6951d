"""The page of the promoted student's audits: what they come to, agreement over time, and what moved."""

from datetime import UTC, datetime
from typing import Any

from tasks.evidence import ALL, Measure, Monitored
from tasks.report.drawing import Chart, Dots, dots
from tasks.report.page import fill
from tasks.report.words import percent, shown

_METRICS_DRAWN, _AUDITS_DRAWN = 3, 12


def render_monitored(monitored: Monitored) -> str:
    """The audits as one HTML document of the same make as the report of a run."""
    context: dict[str, Any] = {
        "monitored": monitored,
        "charts": [_chart(monitored, metric) for metric in list(monitored.promotion)[:_METRICS_DRAWN]],
        "day": _day,
        "whole": [each for each in monitored.watched if each.slice == ALL],
        "slices": [each for each in monitored.watched if each.slice != ALL],
        "moved": sorted(monitored.moved, key=lambda each: (each.found != "yes", each.chance)),
        "audits": list(reversed(monitored.seen)),
    }
    return fill("monitoring.html", context)


def _chart(monitored: Monitored, metric: str) -> Chart:
    """A metric's agreement at promotion and at each of the last audits."""
    last = monitored.seen[-_AUDITS_DRAWN:]
    then = {"promotion": monitored.promotion[metric]}
    since = {f"{_day(each.at)} #{each.number}": each.agreement[metric] for each in last if metric in each.agreement}
    series = [Dots("promotion", "teacher", then)] + ([Dots("audits", "student", since)] if since else [])
    title = f"Agreement with the teacher on {shown(metric, 40)}"
    return dots(
        f"agreement-{list(monitored.promotion).index(metric)}", title, _told(then | since), [*then, *since], series
    )


def _told(measures: dict[str, Measure]) -> str:
    return "; ".join(f"{name} {percent(each)}" for name, each in measures.items())


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
