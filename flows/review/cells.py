"""Cells of a CSV that people open in a spreadsheet: texts as they show, and none that is run."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tasks.errors import ProjectError
from tasks.store import write_whole

_FORMULA = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def cell(text: str) -> str:
    """A text as a cell shows it: lines end in one way, and control characters are spelt out."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", lines(text))


def control_characters(text: str) -> list[str]:
    """Those in a text, spelt out."""
    return sorted({cell(each) for each in _CONTROL.findall(text)})


def lines(text: str) -> str:
    """A text whose lines end in one way, whatever a spreadsheet made of them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def neutralised(text: str) -> str:
    """A text with an apostrophe before it where a spreadsheet would run it (OWASP, "CSV Injection")."""
    return f"'{text}" if _FORMULA.match(text) else text


def restored(text: str) -> str:
    """A cell's text without the apostrophe that `neutralised` put there, and no other."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows of cells under the columns' names: UTF-8 with the mark that Excel asks for, every cell quoted.

    Raises `ProjectError` where it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([neutralised(each) for each in columns])
    writer.writerows([neutralised(each) for each in row] for row in rows)
    try:
        write_whole(path, f"\ufeff{text.getvalue()}")
    except OSError as error:
        raise ProjectError(f"{path}: {error.strerror}. Name a file that can be written.") from error
