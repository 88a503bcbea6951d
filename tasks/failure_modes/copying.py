"""Copying: the input said back instead of an answer."""

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.shown import Shown, beside_teacher, compare
from tasks.failure_modes.verdicts import FEWEST_ROWS, fires, not_measured, percent, points
from tasks.rows import Kept
from tasks.rules.answered import echoed


class Copying(BaseModel):
    """Fires where the student says its input back more often than the teacher, who may have reason to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.1, ge=0, le=1, description="The share of answers that copy, less the teacher's share."
    )

    def examine(self, shown: Shown) -> FailureMode:
        """What the answers to rows that were held out show."""
        pairs = shown.beside("teacher")
        if len(pairs) < FEWEST_ROWS:
            return not_measured("copying", self.threshold, f"student and teacher both answered {len(pairs)} rows")
        found = compare(pairs, _copies)
        return FailureMode(
            mode="copying",
            fires=fires(self.threshold, found.difference),
            words=f"{percent(found.student)} of the student's {len(pairs)} answers and {percent(found.other)} of the "
            f"teacher's say the input back: {points(found.difference)}",
            threshold=self.threshold,
            **beside_teacher(found, "copying", "copied"),
            examples=[
                f"{each.row['id']}: {each.student['text'][:120]}"
                for each in pairs
                if _copies(each.row, each.student["text"])
            ][:3],
        )


def _copies(row: Kept, text: str) -> float:
    return float(bool(echoed(text, row["messages"])))
