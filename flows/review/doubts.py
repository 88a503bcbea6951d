"""Which rows people should look at: the doubtful ones, and some drawn at random of what the filter kept."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from flows.evidence.funnel import spoken
from flows.review.cells import cell
from flows.review.sheet import fits
from tasks.artifacts import digest
from tasks.reviews import Shown, row_key
from tasks.rows import Dropped, Input, Kept

_KEPT = "kept"
_SETTLED = {
    _KEPT,
    "failed",
    "unanswerable",
    "cut_off",
    "empty",
    "exact_duplicate",
    "other_answer",
    "outvoted",
    "vetoed",
}
_SALT = "review"


class Question(NamedTuple):
    """A row for a person to look at: an answer to it, the reason in a word, and why it is asked about."""

    row: Input
    key: str
    answer: str
    reason: str
    why: str
    drawn: bool = False

    def at_random(self) -> "Question":
        """The same, asked because it was drawn."""
        return self._replace(drawn=True, why="; ".join(["drawn at random", *filter(None, [self.why])]))

    @property
    def shown(self) -> Shown:
        """What is remembered of it."""
        return Shown(self.key, self.row["id"], self.answer, self.drawn)

    def cells(self) -> list[str]:
        """Its cells, in the order of the sheet's columns; those that people fill in are empty."""
        row = self.row
        seen = [cell(text) for text in (row["id"], row["slice"], self.why, spoken(row), self.answer)]
        return [*seen, "", "", "", self.shown.key]


class Asked(NamedTuple):
    """The rows for the sheet, and how many stay out: reviewed before, or longer than a cell holds."""

    questions: list[Question]
    reviewed: int
    too_long: int


def ask(kept: Sequence[Kept], dropped: Sequence[Dropped], reviewed: Collection[str], rows: int) -> Asked:
    """At most so many rows, half of them doubtful, by every reason in turn, and half drawn.

    What one half lacks, the other has. `reviewed` are the keys of rows that people decided on before.
    """
    of_kept = [_of_kept(row) for row in kept if row["reviewed"] or not row["approved"]]
    kept_ids = {row["id"] for row in kept}
    best_last = sorted(dropped, key=lambda row: row["reason"] not in _SETTLED)
    of_dropped = {row["id"]: _of_dropped(row) for row in best_last if row["id"] not in kept_ids}
    fresh = [each for each in (*of_kept, *of_dropped.values()) if each.key not in reviewed]
    fitting = [each for each in fresh if fits(each.cells())]
    by_lot = sorted(fitting, key=lambda each: digest([_SALT, each.key]))
    doubtful = [each for each in by_lot if each.reason not in _SETTLED]
    drawable = [each for each in by_lot if each.row["id"] in kept_ids]
    drawn = drawable[: max(rows // 2, rows - len(doubtful))]
    drawn_ids = {each.row["id"] for each in drawn}
    others = _in_turn([each for each in doubtful if each.row["id"] not in drawn_ids])[: rows - len(drawn)]
    before, too_long = len(of_kept) + len(of_dropped) - len(fresh), len(fresh) - len(fitting)
    return Asked([*others, *(each.at_random() for each in drawn)], before, too_long)


def _of_kept(row: Kept) -> Question:
    seen = [f"repaired: {row['repaired']}"] if row["repaired"] else []
    seen += [f"doubtful: {row['doubt']}"] if row["doubt"] else []
    reason = "repaired" if row["repaired"] else "doubtful" if row["doubt"] else _KEPT
    return Question(row, row_key(row), row["completion"], reason, "; ".join(seen))


def _of_dropped(row: Dropped) -> Question:
    return Question(row, row_key(row), row["text"], row["reason"], f"{row['reason']}: {row['evidence']}")


def _in_turn(questions: Sequence[Question]) -> list[Question]:
    """The first of each reason, then the second of each, so that a short sheet has something of all."""
    seen: Counter[str] = Counter()
    turns: list[tuple[int, str]] = []
    for question in questions:
        seen[question.reason] += 1
        turns.append((seen[question.reason], question.reason))
    return [questions[at] for at in sorted(range(len(questions)), key=lambda at: turns[at])]
