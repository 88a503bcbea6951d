"""How a promoted student is watched: which traffic is audited, whether it still agrees with its teacher. No Prefect."""

from tasks.monitoring.agreement import agreement, promoted, seen, watched
from tasks.monitoring.config import MonitorConfig
from tasks.monitoring.habits import habits, moved_habits
from tasks.monitoring.outcome import Outcome, Retrain, decide
from tasks.monitoring.records import Audit, Audits, Judged, Log
from tasks.monitoring.shadow import Shadow, draw, fresh
from tasks.monitoring.shifts import moved_slices, moved_texts
from tasks.monitoring.spending import share_of_year

__all__ = [
    "Audit",
    "Audits",
    "Judged",
    "Log",
    "MonitorConfig",
    "Outcome",
    "Retrain",
    "Shadow",
    "agreement",
    "decide",
    "draw",
    "fresh",
    "habits",
    "moved_habits",
    "moved_slices",
    "moved_texts",
    "promoted",
    "seen",
    "share_of_year",
    "watched",
]
