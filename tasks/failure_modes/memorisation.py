"""Memorisation: training answers said verbatim where something else was asked."""

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from tasks.evidence import FailureMode
from tasks.failure_modes.shown import Shown, beside_teacher, compare
from tasks.failure_modes.verdicts import FEWEST_ROWS, fires, not_measured, percent, points
from tasks.rows import Kept, conversation
from tasks.rules.said import prose, words_of

_TEMPLATE_SHARE = 0.01


class Memorisation(BaseModel):
    """Fires where the student's answers hold runs of words from single training answers, more than the teacher's do.

    Left out are runs that stand in the row's own conversation, and those of a template: runs that two training answers
    have, or, of many, more than one in a hundred.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="The share, of rows answered at such length, with such a run, less the teacher's share.",
    )
    words: int = Field(
        default=12, ge=3, description="How many words in sequence are a run: fewer are phrases that a task brings."
    )

    def examine(self, shown: Shown) -> FailureMode:
        """What the answers to rows that were held out show."""
        own = self._of_single_answers(shown.trained)
        if not own:
            why = f"no training answer has {self.words} words in sequence that are its own"
            return not_measured("memorisation", self.threshold, why)
        pairs = shown.beside("teacher")
        long = [each for each in pairs if self._runs(each.student["text"]) or self._runs(each.other["text"])]
        if len(long) < FEWEST_ROWS:
            why = f"{len(long)} of {len(pairs)} answers to rows that were held out have {self.words} words of prose"
            return not_measured("memorisation", self.threshold, why)
        found = compare(long, lambda row, text: float(bool(self._memorised(own, row, text))))
        return FailureMode(
            mode="memorisation",
            fires=fires(self.threshold, found.difference),
            words=f"of {len(long)} answers long enough, {percent(found.student)} of the student's "
            f"and {percent(found.other)} of the teacher's "
            f"hold {self.words} words in sequence from one training answer: {points(found.difference)}",
            threshold=self.threshold,
            **beside_teacher(found, "memorisation", "memorised"),
            examples=[
                f"{each.row['id']}: …{' '.join(min(runs))}…"
                for each in long
                if (runs := self._memorised(own, each.row, each.student["text"]))
            ][:3],
        )

    def _of_single_answers(self, trained: Sequence[Kept]) -> set[tuple[str, ...]]:
        """The runs that stand in so few training answers that they are no template."""
        counts = Counter(run for row in trained for run in self._runs(row["completion"]))
        most = max(1, int(_TEMPLATE_SHARE * len(trained)))
        return {run for run, count in counts.items() if count <= most}

    def _memorised(self, own: set[tuple[str, ...]], row: Kept, text: str) -> set[tuple[str, ...]]:
        found = self._runs(text) & own
        return found - self._runs(conversation(row)) if found else found

    def _runs(self, text: str) -> set[tuple[str, ...]]:
        words = words_of(prose(text)).split()
        return {tuple(words[at : at + self.words]) for at in range(len(words) - self.words + 1)}
