"""What people wrote into a sheet: reviews and what looks wrong in them, or all that is wrong with the sheet."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, get_args

from flows.review.cells import cell, control_characters, restored
from flows.review.sheet import CELL, KEY, Sheet, SheetRow, units
from tasks.errors import ProjectError
from tasks.reviews import Decision, Review, Shown
from tasks.scorers import as_object

DECISIONS: tuple[Decision, ...] = get_args(Decision)
_NAMED = 10
_QUOTES = re.compile("[“”„‟«»″]")
_SPREADSHEET_ERROR = re.compile(r"#(NAME\?|REF!|VALUE!|DIV/0!|N/A|NULL!|NUM!|ERROR!)|Err:\d+")


class _Wrong(Exception):
    """What is wrong with a row, beginning with the column."""


class Choices(NamedTuple):
    """The reviews that a sheet brings and that are not on record yet, and each of its rows by outcome.

    `doubts` are corrections that are taken in as they are and look like a slip, by row and column.
    """

    new: list[Review]
    outcomes: dict[str, int]
    doubts: list[str]


def decisions(
    path: Path, sheet: Sheet, shown: Mapping[str, Shown], known: Mapping[str, Review], spoken: Mapping[str, str]
) -> Choices:
    """The reviews in a sheet, given what people were asked, and by the row's own key what is on record and was said.

    What a row that is gone said is not known, and not compared. Raises `ProjectError` naming row and column of every
    problem, the first ten of them.
    """
    problems: list[str] = []
    reviews: dict[str, tuple[int, Review]] = {}
    outcomes: Counter[str] = Counter()
    doubts: list[str] = []
    objects = [as_object(shown[row.key].answer) is not None for row in sheet.rows if row.key in shown]
    structured = 2 * sum(objects) > len(objects)
    for row in sheet.rows:
        try:
            review = _review(row, sheet, shown, spoken)
            if review is None:
                outcomes["undecided"] += 1
                continue
            first, other = reviews.setdefault(review.row, (row.number, review))
            if other != review:
                raise _Wrong(f"`decision`: row {first} says otherwise of the same row; keep one of the two")
            outcomes[_outcome(review, known, repeated=first != row.number)] += 1
            doubts += [f"row {row.number}, column `correction`: {doubt}" for doubt in _doubts(row, structured)]
        except _Wrong as wrong:
            problems.append(f"row {row.number}, column {wrong}")
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ProjectError(f"{path}: nothing was taken in. {'; '.join(problems[:_NAMED])}{more}.")
    return Choices([each for _, each in reviews.values() if known.get(each.row) != each], dict(outcomes), doubts)


def _outcome(review: Review, known: Mapping[str, Review], repeated: bool) -> str:
    if repeated:
        return "repeated"
    if known.get(review.row) == review:
        return "unchanged"
    return {"approve": "approved", "correct": "corrected", "veto": "vetoed"}[review.decision]


def _review(row: SheetRow, sheet: Sheet, shown: Mapping[str, Shown], spoken: Mapping[str, str]) -> Review | None:
    asked = shown.get(row.key)
    if asked is None:
        raise _Wrong(f"`{KEY}`: {row.key!r} was never given out by `stillhouse review export` for this project")
    said = spoken.get(asked.row)
    if said is not None and not _alike(row.conversation, said):
        raise _Wrong(
            f"`conversation`: {row.conversation[:40]!r}, but its {KEY!r} is that of {asked.id!r}, {said[:40]!r}; if a "
            f"column was sorted without the others, undo that{_lost(sheet)}"
        )
    if row.decision not in ("", *DECISIONS):
        raise _Wrong(f"`decision`: {row.decision!r} is none of {', '.join(DECISIONS)}; leave it empty for none")
    if row.decision in ("", "approve") and not _alike(row.answer, asked.answer):
        raise _Wrong(
            f"`answer`: it came back as {row.answer[:40]!r}; if you changed it, write it into `correction`, and "
            f"`correct`{_lost(sheet)}"
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


def _lost(sheet: Sheet) -> str:
    return "" if sheet.unicode else "; if letters were lost, save as CSV UTF-8"


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


def _doubts(row: SheetRow, structured: bool) -> list[str]:
    """What in a correction looks like a slip, where most other answers are JSON objects or not."""
    found: list[str] = []
    if structured and row.correction and as_object(row.correction) is None:
        quotes = "".join(sorted(set(_QUOTES.findall(row.correction))))
        why = f"; typographic quotes {quotes} stand in it" if quotes else ""
        found.append(f"no JSON object, as most of the answers are{why}")
    if controls := control_characters(row.correction):
        found.append(f"control characters {' '.join(controls)}")
    return found


def _alike(came_back: str, asked: str) -> bool:
    """Whether an answer is what it was, but for what spreadsheets do to spaces, to numbers and to the case of TRUE."""
    one, other = came_back.casefold().split(), restored(cell(asked)).casefold().split()
    if one == other or one == cell(asked).casefold().split():
        return True
    try:
        return float(came_back) == float(asked)
    except ValueError:
        return False
