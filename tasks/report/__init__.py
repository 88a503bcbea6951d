"""Evidence in, one self-contained HTML page out. No Prefect in here."""

from tasks.report.page import render

__all__ = ["render"]
