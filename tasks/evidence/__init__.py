"""Evidence: what a run shows, from the rows that came in to the decision."""

from tasks.evidence.data import THIN_ROWS, Collapse, Coverage, DroppedExample, GoneReview, Outcome, People
from tasks.evidence.economics import Cost, Economics
from tasks.evidence.learning import CurvePoint, Training, Tried
from tasks.evidence.run import (
    SCHEMA_VERSION,
    Answered,
    Cause,
    Comparison,
    Evidence,
    Reason,
    StageRecord,
    Stopped,
    Verdict,
    Wear,
)
from tasks.evidence.scores import ALL, Difference, Estimate, FailureMode, Holds, Judging, Measure, Scores, Usage

__all__ = [
    "ALL",
    "SCHEMA_VERSION",
    "THIN_ROWS",
    "Answered",
    "Cause",
    "Collapse",
    "Comparison",
    "Cost",
    "Coverage",
    "CurvePoint",
    "Difference",
    "DroppedExample",
    "Economics",
    "Estimate",
    "Evidence",
    "FailureMode",
    "GoneReview",
    "Holds",
    "Judging",
    "Measure",
    "Outcome",
    "People",
    "Reason",
    "Scores",
    "StageRecord",
    "Stopped",
    "Training",
    "Tried",
    "Usage",
    "Verdict",
    "Wear",
]
