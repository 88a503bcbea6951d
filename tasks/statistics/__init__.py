"""How sure a figure is: intervals that heed groups, paired differences, and what a holdout could have shown.

No Prefect in here, and no knowledge of models or scorers: numbers in, numbers out.
"""

from tasks.statistics.intervals import Interval, difference_interval, mean_interval, rows_to_settle

__all__ = ["Interval", "difference_interval", "mean_interval", "rows_to_settle"]
