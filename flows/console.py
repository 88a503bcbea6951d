"""What the terminal shows while the pipeline works: a line a stage, and a bar for long work."""

import logging
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from tasks.evidence import LearningCurve
from tasks.learning_curve import points

_SECONDS_A_LINE = 30


class ConsoleHandler(logging.Handler):
    """Draws Stillhouse's own log records: `finished` ones as a line, ones with `done` and `total` as a bar.

    `worked` lists the stages that were not cached.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(logging.DEBUG)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}  {task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._console = console
        self._bar: Any = None
        self._shown = ""
        self._said = time.monotonic()
        self.worked: list[str] = []

    def __enter__(self) -> "ConsoleHandler":
        """Listen to Stillhouse's loggers."""
        for name in ("stillhouse", "tasks"):
            logging.getLogger(name).addHandler(self)
        logging.getLogger("stillhouse").setLevel(logging.DEBUG)
        logging.getLogger("stillhouse").propagate = False
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening, and take the bar away."""
        self._bars.stop()
        for name in ("stillhouse", "tasks"):
            logging.getLogger(name).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Draw one record."""
        fields = record.__dict__
        if "total" in fields:
            self._draw(fields)
        elif "finished" in fields:
            self._clear()
            if not fields["cached"]:
                self.worked.append(fields["finished"])
            worked = "cached" if fields["cached"] else f"{fields['seconds']:.1f} s"
            tally = record.getMessage().partition(": ")[2].removesuffix(" (cached)")
            self._say(f"{fields['finished']:<9} {worked:>8}  {tally}")
        else:
            self._say(record.getMessage())

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        self._console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)

    def _draw(self, fields: dict[str, Any]) -> None:
        if not self._console.is_terminal:  # a file or a pipe gets a line now and then instead of a bar
            if time.monotonic() - self._said > _SECONDS_A_LINE:
                self._say(
                    f"  {fields['stage']}: {fields['done']} of {fields['total']} {fields['unit']}  {fields['note']}"
                )
            return
        if self._shown != fields["stage"]:
            self._clear()
            self._bar = self._bars.add_task(fields["stage"], total=fields["total"], unit=fields["unit"], note="")
            self._shown = fields["stage"]
        now = {name: fields[name] for name in ("total", "unit", "note")}  # a stage may go on to count something else
        self._bars.update(self._bar, completed=fields["done"], **now)

    def _clear(self) -> None:
        if self._bar is not None:
            self._bars.remove_task(self._bar)
        self._bar, self._shown = None, ""


def curve_table(curve: LearningCurve) -> Table:
    """A learning curve as a table: a line a metric, a column a share, and what the last step added."""
    table = Table("holdout", box=None)
    for share in curve.shares:
        table.add_column(f"{share.share}%, {share.rows:,} rows", justify="right")
    table.add_column("last step", justify="right")
    for gain in curve.gains:
        known = [{each.metric: each for each in share.estimates}.get(gain.metric) for share in curve.shares]
        cells = (f"{each.mean:.1%} [{each.low:.1%}, {each.high:.1%}]" if each else "not judged" for each in known)
        table.add_row(f"{gain.metric} ({gain.n} rows)", *cells, points(gain))
    return table
