"""The page of a run: templates fill it, every text from data is escaped."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tasks.evidence import ALL, Evidence, Stopped
from tasks.report import tables, words
from tasks.report.charts import cost_chart, curve_chart, funnel_chart, slices_chart, systems_chart
from tasks.report.drawing import Chart

if TYPE_CHECKING:
    from jinja2 import Environment

_WORST_FIRST = 5
_REASONS_OPEN = 8


def render(evidence: Evidence) -> str:
    """The report as one HTML document that needs no network and no script."""
    scores = evidence.scores
    charts = _standing(
        [
            systems_chart(scores.estimates),
            slices_chart(scores.estimates, tables.headline(evidence)),
            cost_chart(evidence.economics),
            curve_chart(evidence.training.curve),
            funnel_chart(evidence.stages),
        ]
    )
    context: dict[str, Any] = {
        "evidence": evidence,
        "charts": charts,
        "glance": list(charts)[:3],
        "reasons": tables.reasons_first(evidence.reasons),
        "reasons_open": _REASONS_OPEN,
        "systems": list(dict.fromkeys(each.system for each in scores.estimates)),
        "estimates": tables.by_metric(scores.estimates),
        "rivals": list(dict.fromkeys(each.versus for each in scores.differences)),
        "differences": tables.by_rival(scores.differences),
        "ceiling": evidence.ceiling,
        "answered": tables.answered(evidence),
        "heat": tables.heat(scores.estimates),
        "funnel": tables.funnel(evidence.funnel),
        "examples": tables.examples(evidence.dropped),
        "teachers": tables.teachers(evidence.people.teacher_errors),
        "own_judge": tables.own_judge(evidence.config),
        "worst": [row for row in evidence.comparisons[:_WORST_FIRST] if tables.worse(row)],
        "slices": sorted({row.slice for row in evidence.comparisons}),
        "config": json.dumps(evidence.config, indent=2, ensure_ascii=False),
    }
    return fill("page.html", context)


def render_stopped(stopped: Stopped) -> str:
    """The page of a run that ended in an error: what was done before, and what stopped it."""
    return fill("stopped.html", {"stopped": stopped, "charts": _standing([funnel_chart(stopped.stages)])})


def fill(template: str, context: dict[str, Any]) -> str:
    """A template of this folder, filled; the page may run the one script that stands in it, and fetch nothing."""
    script = _file("search.js")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = {"all": ALL, "style": Markup(_file("style.css")), "script": Markup(script), "script_hash": allowed}
    return _templates().get_template(template).render(page | context)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("tasks.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = (words.percent, words.ratio, words.points, words.count, words.dollars, words.duration)
    texts = (words.shown, words.slice_name, tables.lost, tables.student_first)
    filters: dict[str, Any] = {each.__name__: each for each in (*numbers, *texts)}
    templates.filters.update(filters)
    return templates


def _standing(charts: Sequence[Chart | None]) -> dict[str, Chart]:
    """The charts that the evidence has something for, by name, in the order in which they matter."""
    return {chart.name: chart for chart in charts if chart}


@cache
def _file(name: str) -> str:
    return files("tasks.report").joinpath("templates", name).read_text(encoding="utf-8")
