"""How a chart is drawn: by matplotlib, as SVG whose colours are the page's own, in light and in dark."""

import io
import re
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, NamedTuple

from tasks.evidence import Measure
from tasks.report.words import shown

_WIDTH = 3.9  # inches: three abreast on a laptop, one as wide as a phone
_LABEL = 22
_INK = "#0f0f01"
_COLOURS = {
    _INK: "currentColor",
    "#0f0f02": "var(--teacher)",
    "#0f0f03": "var(--base)",
    "#0f0f04": "var(--student)",
    "#0f0f05": "var(--champion)",
}
_MARKS = {"teacher": ("#0f0f02", "s"), "base": ("#0f0f03", "^"), "student": ("#0f0f04", "o")}
_OTHER = ("#0f0f05", "D")


class Chart(NamedTuple):
    """A drawing that stands in the page: its name there, its title, and what it shows in words."""

    name: str
    title: str
    words: str
    svg: str


class Dots(NamedTuple):
    """What has a mark with an interval in each row: drawn as `system`, filled unless `hollow`."""

    label: str
    system: str
    measures: Mapping[str, Measure]
    hollow: bool = False


class Line(NamedTuple):
    """Points in order, drawn as `system`."""

    label: str
    system: str
    across: Sequence[float]
    up: Sequence[float]


def dots(name: str, title: str, words: str, rows: Sequence[str], series: Sequence[Dots]) -> Chart:
    """Means from 0 to 100 % with their intervals, a row each, the series one below the other within it."""
    step = 0.16 if len(series) > 1 else 0.0
    with _axes(0.75 + len(rows) * max(0.24, 0.05 + 0.11 * len(series))) as (figure, axes):
        for number, each in enumerate(series):
            colour, marker = _MARKS.get(each.system, _OTHER)
            places = [rows.index(row) + step * (number - (len(series) - 1) / 2) for row in each.measures]
            means = [100 * measure.mean for measure in each.measures.values()]
            below = [max(0.0, 100 * (measure.mean - measure.low)) for measure in each.measures.values()]
            above = [max(0.0, 100 * (measure.high - measure.mean)) for measure in each.measures.values()]
            style = {"markerfacecolor": "none"} if each.hollow else {}
            axes.errorbar(
                means, places, xerr=[below, above], fmt=marker, color=colour, markersize=4, label=each.label, **style
            )
        axes.set_yticks(range(len(rows)), [_label(row) for row in rows], parse_math=False)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(-3, 103)
        axes.set_xlabel("% of rows, with 95 % interval")
        axes.grid(axis="x", color=_INK, alpha=0.15, linewidth=0.6)
        _legend(axes, len(series))
        return Chart(name, title, words, _svg(name, title, words, figure))


def lines(name: str, title: str, words: str, drawn: Sequence[Line], across: str, up: str) -> Chart:
    """Lines over a common axis, from nothing up."""
    with _axes(2.75) as (figure, axes):
        for each in drawn:
            colour, marker = _MARKS.get(each.system, _OTHER)
            few = marker if len(each.across) <= 20 else ""
            axes.plot(each.across, each.up, color=colour, marker=few, markersize=3.5, linewidth=1.4, label=each.label)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.xaxis.set_major_formatter(_short)
        axes.yaxis.set_major_formatter(_short)
        axes.grid(axis="y", color=_INK, alpha=0.15, linewidth=0.6)
        _legend(axes, len(drawn))
        return Chart(name, title, words, _svg(name, title, words, figure))


def bars(name: str, title: str, words: str, amounts: Mapping[str, int], across: str) -> Chart:
    """Amounts as bars, each with its number."""
    with _axes(0.55 + 0.3 * len(amounts)) as (figure, axes):
        places = range(len(amounts))
        drawn = axes.barh(places, list(amounts.values()), height=0.55, color=_MARKS["student"][0])
        axes.bar_label(drawn, [f"{each:,}" for each in amounts.values()], padding=3, color=_INK)
        axes.set_yticks(places, [_label(each) for each in amounts], parse_math=False)
        axes.set_ylim(len(amounts) - 0.5, -0.5)
        axes.set_xlim(0, 1.2 * max([1, *amounts.values()]))
        axes.xaxis.set_major_formatter(_short)
        axes.set_xlabel(across)
        return Chart(name, title, words, _svg(name, title, words, figure))


def _label(text: str) -> str:
    line = " ".join(shown(text, 10 * _LABEL).split())
    return line if len(line) <= _LABEL else f"{line[: _LABEL - 1]}…"


def _short(value: float, _: int) -> str:
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


@contextmanager
def _axes(height: float) -> Generator[tuple[Any, Any]]:
    import matplotlib
    from matplotlib.figure import Figure

    inked = ("axes.labelcolor", "xtick.color", "ytick.color", "text.color", "legend.labelcolor")
    style: dict[Any, Any] = dict.fromkeys(inked, _INK) | {"font.size": 8.5, "errorbar.capsize": 2}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained", facecolor="none")
        axes: Any = figure.add_subplot(facecolor="none")
        axes.tick_params(length=0, colors=_INK)
        for side in axes.spines.values():
            side.set_visible(False)
        yield figure, axes


def _legend(axes: Any, columns: int) -> None:
    if columns > 1:
        axes.legend(
            frameon=False,
            ncols=columns,
            loc="lower center",
            bbox_to_anchor=(0.5, 1),
            columnspacing=1.2,
            handletextpad=0.4,
        )


def _svg(name: str, title: str, words: str, figure: Any) -> str:
    """The drawing with its text alternative, its colours left to the page, and no name that another drawing has."""
    import matplotlib

    page = io.StringIO()
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # the reader's browser has letters of its own
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    drawing = page.getvalue()
    drawing = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", drawing[drawing.index("<svg") :])
    for drawn, own in _COLOURS.items():
        drawing = drawing.replace(drawn, own)
    told = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-words">{escape(words)}</desc>'
    opened = f'<svg role="img" aria-labelledby="{name}-title {name}-words" '
    return re.sub(r"<svg ([^>]*>)", lambda found: f"{opened}{found[1]}{told}", drawing, count=1)
