"""The report's charts, drawn by matplotlib as SVG that stands in the page."""

import io
import re
from collections.abc import Sequence
from typing import Any

from tasks.evidence import CurvePoint, Estimate

# Okabe and Ito's palette: told apart by the colour-blind, on light and on dark.
COLOURS = {"teacher": "#999999", "base": "#E69F00", "student": "#0072B2", "champion": "#009E73"}
_INK = "#808080"


def systems_chart(estimates: Sequence[Estimate]) -> str:
    """Each metric's mean with its 95 % interval, a mark a system."""
    metrics = list(dict.fromkeys(estimate.metric for estimate in estimates))
    systems = [name for name in COLOURS if any(estimate.system == name for estimate in estimates)]
    figure, axes = _figure(7.2, 0.6 + 0.62 * len(metrics))
    for row, system in enumerate(systems):
        own = {estimate.metric: estimate for estimate in estimates if estimate.system == system}
        offsets = [metrics.index(metric) + 0.18 * (row - (len(systems) - 1) / 2) for metric in own]
        means = [100 * estimate.mean for estimate in own.values()]
        below = [100 * (estimate.mean - estimate.low) for estimate in own.values()]
        above = [100 * (estimate.high - estimate.mean) for estimate in own.values()]
        axes.errorbar(
            means, offsets, xerr=[below, above], fmt="o", color=COLOURS[system], capsize=3, markersize=5, label=system
        )
    axes.set_yticks(range(len(metrics)), [metric.replace("$", r"\$") for metric in metrics])
    axes.set_ylim(len(metrics) - 0.5, -0.5)
    axes.set_xlim(-2, 102)
    axes.set_xlabel("% of rows, with 95 % interval")
    axes.legend(
        frameon=False, labelcolor=_INK, ncols=len(systems), loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9
    )
    return _svg(figure, "Scores of each system by metric, with 95 % intervals")


def curve_chart(curve: Sequence[CurvePoint]) -> str:
    """Training and validation loss by epoch."""
    figure, axes = _figure(7.2, 2.6)
    axes.plot(
        [point.epoch for point in curve], [point.train_loss for point in curve], color="#0072B2", label="training"
    )
    watched = [point for point in curve if point.validation_loss is not None]
    axes.plot(
        [point.epoch for point in watched],
        [point.validation_loss for point in watched],
        color="#E69F00",
        marker="o",
        markersize=4,
        label="validation",
    )
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss a token")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, labelcolor=_INK, fontsize=9)
    return _svg(figure, "Training and validation loss by epoch")


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes: Any = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.grid(axis="x", color=_INK, alpha=0.25)
    axes.tick_params(colors=_INK)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
    return figure, axes


def _svg(figure: Any, label: str) -> str:
    import matplotlib

    page = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "stillhouse", "font.family": "sans-serif"}):
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    drawing = page.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    return drawing.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
