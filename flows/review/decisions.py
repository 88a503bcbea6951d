"""What people wrote into a sheet: reviews, or all that is wrong with it."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from flows.cells import cell, restored
from flows.review.sheet import CELL, KEY, Sheet, SheetRow, units
from tasks.errors import ProjectError
from tasks.reviews import Decision, Review, Shown

DECISIONS: tuple[Decision, ...] = get_args(Decision)
_NAMED = 10
_SPREADSHEET_ERROR = re.compile(r"#(NAME\?|REF!|VALUE!|DIV/0!|N/A|NULL!|NUM!|ERROR!)|Err:\d+")


class _Wrong(Exception):
    """What is wrong with a row, beginning with the column."""


class Decided(NamedTuple):
    """The reviews that a sheet brings and that are not on record yet, and each of its rows by outcome."""

    new: list[Review]
    outcomes: dict[str, int]


def decisions(path: Path, sheet: Sheet, shown: Mapping[str, Shown], known: Mapping[str, Review]) -> Decided:
    """The reviews in a sheet, given what people were asked and what is on record, by the row's own key.

    Raises `ProjectError` naming row and column of every problem, the first ten of them.
    """
    problems: list[str] = []
    reviews: dict[str, tuple[int, Review]] = {}
    outcomes: Counter[str] = Counter()
    for row in sheet.rows:
        try:
            review = _review(row, sheet, shown)
            if review is None:
                outcomes["undecided"] += 1
                continue
            first, other = reviews.setdefault(review.row, (row.number, review))
            if other != review:
                raise _Wrong(f"`decision`: row {first} says otherwise of the same row; keep one of the two")
            outcomes[_outcome(review, known, repeated=first != row.number)] += 1
        except _Wrong as wrong:
            problems.append(f"row {row.number}, column {wrong}")
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ProjectError(f"{path}: nothing was taken in. {'; '.join(problems[:_NAMED])}{more}.")
    return Decided([each for _, each in reviews.values() if known.get(each.row) != each], dict(outcomes))


def _outcome(review: Review, known: Mapping[str, Review], repeated: bool) -> str:
    if repeated:
        return "repeated"
    if known.get(review.row) == review:
        return "unchanged"
    return {"approve": "approved", "correct": "corrected", "veto": "vetoed"}[review.decision]


def _review(row: SheetRow, sheet: Sheet, shown: Mapping[str, Shown]) -> Review | None:
    asked = shown.get(row.key)
    if asked is None:
        raise _Wrong(f"`{KEY}`: {row.key!r} was never given out by `stillhouse review export` for this project")
    if row.decision not in ("", *DECISIONS):
        raise _Wrong(f"`decision`: {row.decision!r} is none of {', '.join(DECISIONS)}; leave it empty for none")
    if row.decision in ("", "approve") and not _alike(row.answer, asked.answer):
        raise _Wrong(
            f"`answer`: it came back as {row.answer[:40]!r}; if you changed it, write it into `correction`, and "
            f"`correct`{'' if sheet.unicode else '; if letters were lost, save as CSV UTF-8'}"
        )
    _check_correction(row)
    if not row.decision:
        return None
    for name, written in (("correction", row.correction), ("note", row.note)):
        if "?" in written and not sheet.unicode:
            raise _Wrong(f"`{name}`: its `?` may stand for a letter that Windows-1252 lacks; save as CSV UTF-8")
    answer = row.correction if row.decision == "correct" else asked.answer
    if row.decision == "approve" and not answer.strip():
        raise _Wrong("`decision`: there is no answer to approve; write one into `correction`, and `correct`")
    return Review(asked.row, asked.id, row.decision, answer, row.note, asked.drawn)


def _check_correction(row: SheetRow) -> None:
    written = row.correction.strip()
    if row.decision == "correct" and not written:
        raise _Wrong("`correction`: empty, and the decision is `correct`; write the right answer")
    if row.decision != "correct" and written:
        raise _Wrong(f"`decision`: {row.decision or 'empty'}, and there is a correction; write `correct` or remove it")
    if _SPREADSHEET_ERROR.fullmatch(written):
        raise _Wrong(f"`correction`: {written!r} is a spreadsheet's error; write an apostrophe before the text")
    if units(row.correction) >= CELL:
        raise _Wrong(f"`correction`: as long as a cell can be ({CELL:,} characters), so its end may be lost")


def _alike(came_back: str, asked: str) -> bool:
    """Whether an answer is what it was, but for what spreadsheets do to spaces, to numbers and to the case of TRUE."""
    one, other = came_back.casefold().split(), restored(cell(asked)).casefold().split()
    if one == other or one == cell(asked).casefold().split():
        return True
    try:
        return float(came_back) == float(asked)
    except ValueError:
        return False
