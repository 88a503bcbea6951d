"""An inputs file, whatever its format, as inputs and as records that are none, each with its reason."""

from collections.abc import Iterator
from pathlib import Path

from tasks.errors import ProjectError
from tasks.files import TOO_DEEP, File, Line
from tasks.inputs.arrow import read_parquet
from tasks.inputs.conversations import read_row
from tasks.inputs.delimited import read_delimited
from tasks.inputs.fields import Fields, Sought
from tasks.inputs.json_rows import read_array, read_lines
from tasks.inputs.opening import format_of, opened, unpacked
from tasks.inputs.records import Malformed, Record, malformed
from tasks.models.logs import read_log
from tasks.models.request import Answer
from tasks.rows import Input


def read_inputs(source: File, fields: Fields) -> Iterator[Input | Malformed]:
    """Each record of the file in its order, as an input or with what is wrong with it; a line or a batch at a time.

    Raises `ProjectError` where the file as a whole is wrong: of no known format, cut short, changed since the project
    was loaded, without any row, or without a column that `fields` names.
    """
    empty = True
    for entry, _ in _read(source, fields):
        empty = False
        yield entry
    if empty:
        raise ProjectError(f"{source.path}: no rows. Name a file that holds what is asked, a row each.")


def read_answered(source: File, fields: Fields) -> Iterator[tuple[Input | Malformed, Answer | None]]:
    """As `read_inputs`, each record with the answer that was logged beside it, if any; a file may hold no record."""
    for entry, record in _read(source, fields):
        yield entry, None if isinstance(record, Malformed) else _answer(record)


def _read(source: File, fields: Fields) -> Iterator[tuple[Input | Malformed, Record | Malformed]]:
    path, sought, empty = source.unchanged(), Sought(fields), True
    for record in _records(path, fields):
        empty = False
        if isinstance(record, Malformed):
            yield record, record
        else:
            sought.look(record.value)
            yield _input(record, fields), record
    if not empty:
        sought.check(path)


def _records(path: Path, fields: Fields) -> Iterator[Record | Malformed]:
    kind = format_of(path)
    if kind == ".parquet":
        with unpacked(path) as file:
            yield from read_parquet(file, path, fields)
        return
    with opened(path) as file:
        match kind:
            case ".csv" | ".tsv":
                yield from read_delimited(file, path, fields, "\t" if kind == ".tsv" else "")
            case ".json":
                yield from read_array(file, path)
            case _:
                yield from read_lines(file)


def _answer(record: Record) -> Answer | None:
    try:
        return read_log(Line(record.where, record.value)).answer
    except ProjectError:  # what was asked can be read, and no answer stands beside it
        return None


def _input(record: Record, fields: Fields) -> Input | Malformed:
    try:
        return read_row(record.value, fields)
    except ValueError as error:
        return malformed(record.where, str(error), record.raw, record.value)
    except RecursionError:
        return malformed(record.where, TOO_DEEP, record.raw, record.value)
