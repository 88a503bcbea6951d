"""The sheet that people review in: a CSV that spreadsheets open, and what spreadsheets save read back."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from flows.review.cells import lines, neutralised, restored, write_csv
from tasks.errors import ProjectError

CELL = 32_767
"""What a cell of Excel holds at most, in UTF-16 units."""

KEY = "row ñð€"  # these letters come back from no other code page than Windows-1252, so a sheet tells how it was saved
COLUMNS = ("id", "slice", "why", "conversation", "answer", "decision", "correction", "note", KEY)
_READ = ("conversation", "answer", "decision", "correction", "note", KEY)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SAVE_AS = "Save it as CSV UTF-8."


class SheetRow(NamedTuple):
    """A row that came back: its number as spreadsheets count, and the cells that are read."""

    number: int
    key: str
    conversation: str
    answer: str
    decision: str
    correction: str
    note: str


class Sheet(NamedTuple):
    """The rows that came back, and whether their encoding has every letter."""

    rows: list[SheetRow]
    unicode: bool


def fits(cells: Iterable[str]) -> bool:
    """Whether every text can stand in a cell of Excel, which cuts longer ones."""
    return all(2 * len(text) < CELL or units(neutralised(text)) <= CELL for text in cells)


def units(text: str) -> int:
    """How long spreadsheets take a text to be: letters outside the Basic Multilingual Plane count as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def write_sheet(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write rows of cells under the columns' names. Raises `ProjectError` where it cannot be written."""
    write_csv(path, COLUMNS, rows)


def read_sheet(path: Path) -> Sheet:
    """What Excel, LibreOffice or Google Sheets saved, with columns and rows in any order and more columns beside.

    Raises `ProjectError` where it is no CSV, lacks a column, or is in an encoding that cannot be told.
    """
    text, encoding = _decoded(path)
    delimiter, columns = _header(path, text)
    rows: list[SheetRow] = []
    for number, cells in _records(path, text, delimiter):
        found = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
        if number > 1 and any(each.strip() for each in cells):
            key, decision = found[KEY].strip(), found["decision"].strip().casefold()
            texts = {name: restored(lines(found[name])) for name in ("conversation", "answer", "correction", "note")}
            rows.append(SheetRow(number=number, key=key, decision=decision, **texts))
    return Sheet(rows, encoding != "cp1252")


def _decoded(path: Path) -> tuple[str, str]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror}. Name a CSV that `stillhouse review export` wrote.") from error
    if raw.startswith(b"PK"):
        raise ProjectError(f"{path}: a workbook, not a CSV. {_SAVE_AS}")
    marked = [encoding for mark, encoding in _MARKS.items() if raw.startswith(mark)]
    for encoding in marked or ["utf-8", "cp1252"]:
        try:
            return raw.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise ProjectError(f"{path}: neither UTF-8 nor UTF-16 nor Windows-1252. {_SAVE_AS}")


def _header(path: Path, text: str) -> tuple[str, dict[str, int]]:
    """The delimiter, and where each column stands that is read."""
    for delimiter in ",;\t":
        _, cells = next(_records(path, text, delimiter), (1, []))
        names = [unicodedata.normalize("NFC", each.strip()).casefold() for each in cells]
        keys = [name for name in names if name.startswith("row ")]
        if not keys:
            continue
        if KEY not in keys:
            raise ProjectError(f"{path}: the column {KEY!r} came back as {keys[0]!r}: letters were lost. {_SAVE_AS}")
        wrong = [name for name in _READ if names.count(name) != 1]
        if wrong:
            raise ProjectError(f"{path}: each of these columns must stand there once: {', '.join(wrong)}. Export anew.")
        return delimiter, {name: names.index(name) for name in _READ}
    raise ProjectError(f"{path}: no column {KEY!r} in the first row. Name a CSV that `stillhouse review export` wrote.")


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, cells
    except csv.Error as error:
        raise ProjectError(f"{path}: no CSV after row {number}: {error}. {_SAVE_AS}") from error
