"""How sure a figure is: intervals that heed groups, paired differences, and what a holdout could have shown.

No Prefect in here, and no knowledge of models or scorers: numbers in, numbers out.
"""

from tasks.statistics.intervals import Interval, difference_interval, mean_interval
from tasks.statistics.macro_f1 import macro_f1_difference, macro_f1_interval
from tasks.statistics.power import detectable_difference, rows_to_settle
from tasks.statistics.resampling import resampled
from tasks.statistics.unjudged import with_unjudged

__all__ = [
    "Interval",
    "detectable_difference",
    "difference_interval",
    "macro_f1_difference",
    "macro_f1_interval",
    "mean_interval",
    "resampled",
    "rows_to_settle",
    "with_unjudged",
]
