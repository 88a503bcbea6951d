"""Evidence in, one self-contained HTML page out. No Prefect in here."""

from tasks.report.comparison import render_comparison
from tasks.report.monitoring import render_monitored
from tasks.report.page import render, render_stopped
from tasks.report.words import percent, shown

__all__ = ["percent", "render", "render_comparison", "render_monitored", "render_stopped", "shown"]
