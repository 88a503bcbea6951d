"""The report's charts: what of the evidence each shows, and the same in words."""

from collections.abc import Mapping, Sequence

from tasks.evidence import ALL, CurvePoint, Economics, Estimate, Measure, StageRecord
from tasks.report.drawing import Chart, Dots, Line, bars, dots, lines
from tasks.report.words import count, dollars, percent, shown, slice_name

_METRICS_SHOWN = 8
_SLICES_SHOWN = 12
_SYSTEMS = ("teacher", "base", "student", "champion")


def systems_chart(estimates: Sequence[Estimate]) -> Chart | None:
    """Each metric's mean on the holdout with its interval, a mark a system."""
    overall = [each for each in estimates if each.slice == ALL and each.part == "holdout"]
    metrics = list(dict.fromkeys(each.metric for each in overall))
    series = {
        system: {
            each.metric: each for each in overall if each.system == system and each.metric in metrics[:_METRICS_SHOWN]
        }
        for system in _SYSTEMS
    }
    of = f", the first {_METRICS_SHOWN} of {len(metrics)} metrics" if len(metrics) > _METRICS_SHOWN else ""
    return _dots("systems", f"Scores on the holdout{of}", metrics[:_METRICS_SHOWN], series)


def slices_chart(estimates: Sequence[Estimate], metric: str) -> Chart | None:
    """The student's mean on one metric by slice, the weakest first, unseen slices hollow."""
    own = [each for each in estimates if each.system == "student" and each.metric == metric and each.slice != ALL]
    weakest = sorted(own, key=lambda each: each.mean)[:_SLICES_SHOWN]
    if not weakest:
        return None
    of = f", the weakest {_SLICES_SHOWN} of {len(own)}" if len(own) > _SLICES_SHOWN else ""
    rows = {slice_name(each.part, each.slice): each for each in weakest}
    seen = {name: each for name, each in rows.items() if each.part == "holdout"}
    unseen = {name: each for name, each in rows.items() if each.part != "holdout"}
    series = [Dots("slices it learned from", "student", seen), Dots("unseen", "student", unseen, hollow=True)]
    title = f"The student’s {shown(metric, 40)} by slice{of}"
    return dots("slices", title, _told({"student": rows}), list(rows), [each for each in series if each.measures])


def versions_chart(first: Sequence[Estimate], second: Sequence[Estimate], names: tuple[str, str]) -> Chart | None:
    """The student's means on the holdout in two versions."""
    students = [
        {each.metric: each for each in own if (each.system, each.part, each.slice) == ("student", "holdout", ALL)}
        for own in (first, second)
    ]
    metrics = list(dict.fromkeys(metric for own in students for metric in own))[:_METRICS_SHOWN]
    series = [
        Dots(name, system, {metric: own[metric] for metric in metrics if metric in own})
        for name, system, own in zip(names, ("base", "student"), students, strict=True)
    ]
    words = _told({each.label: each.measures for each in series})
    return dots("versions", "The students on the holdout", words, metrics, series) if metrics else None


def curve_chart(curve: Sequence[CurvePoint]) -> Chart | None:
    """Training and validation loss by epoch."""
    if not curve:
        return None
    watched = [(each.epoch, each.validation_loss) for each in curve if each.validation_loss is not None]
    training = Line("training", "student", [each.epoch for each in curve], [each.train_loss for each in curve])
    validation = Line("validation", "base", [epoch for epoch, _ in watched], [loss for _, loss in watched])
    words = f"Training loss {curve[0].train_loss:.3f} at first, {curve[-1].train_loss:.3f} at last."
    if watched:
        words += f" Validation loss {watched[0][1]:.3f} at first, {watched[-1][1]:.3f} at last."
    drawn = [training, validation] if watched else [training]
    return lines("curve", "Loss a token, by epoch", words, drawn, "epoch", "loss a token")


def cost_chart(economics: Economics) -> Chart | None:
    """What has been paid in all after so many requests, by system: the student begins with what making it cost."""
    known = {each.system: each.usd_per_thousand for each in economics.costs if each.usd_per_thousand is not None}
    made, pays = economics.made_usd, economics.requests_to_pay
    if "teacher" not in known or "student" not in known or made is None:
        return None
    end = 2 * (pays or 500_000)
    drawn: list[Line] = []
    told: list[str] = []
    for system in _SYSTEMS:
        if system in known and system != "champion":
            first = made if system == "student" else 0.0
            last = first + known[system] * end / 1000
            drawn.append(Line(system, system, [0, end], [first, last]))
            told.append(f"{system} {dollars(last)}")
    cost = f"Making the student cost {dollars(made)}, with all that the project ever asked."
    words = f"After {count(end)} requests: {', '.join(told)}. {cost}"
    return lines("cost", f"Dollars paid in all: {_pays(pays)}", words, drawn, "requests", "US dollars")


def _pays(requests: int | None) -> str:
    if requests is None:
        return "it does not pay"
    return f"it pays after {count(requests)} requests" if requests else "it pays from the first request on"


def funnel_chart(stages: Sequence[StageRecord]) -> Chart | None:
    """How many rows came into each stage up to training."""
    came = {each.stage: each.rows_in for each in stages if each.stage not in ("evaluate", "promote")}
    words = "; ".join(f"{stage} {count(rows)}" for stage, rows in came.items())
    return bars("funnel", "Rows that came into each stage", words, came, "rows") if came else None


def _dots(name: str, title: str, rows: Sequence[str], by_system: Mapping[str, Mapping[str, Measure]]) -> Chart | None:
    drawn = {system: own for system, own in by_system.items() if own}
    series = [Dots(system, system, own) for system, own in drawn.items()]
    return dots(name, title, _told(drawn), rows, series) if series else None


def _told(series: Mapping[str, Mapping[str, Measure]]) -> str:
    rows = dict.fromkeys(row for own in series.values() for row in own)
    return "; ".join(
        f"{shown(row, 60)}: " + ", ".join(f"{name} {percent(own[row])}" for name, own in series.items() if row in own)
        for row in rows
    )
