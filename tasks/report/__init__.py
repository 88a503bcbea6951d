"""Evidence in, one self-contained HTML page out. No Prefect in here."""

from tasks.report.comparison import render_comparison
from tasks.report.page import render, render_stopped
from tasks.report.words import duration, percent, points

__all__ = ["duration", "percent", "points", "render", "render_comparison", "render_stopped"]
