import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.review.cells import cell
from flows.review.sheet import CELL, COLUMNS, KEY, fits, read_sheet, write_sheet
from tasks.errors import ProjectError
from tests.flows.review.spreadsheets import SAVES, opened
from tests.flows.review.test_cells import texts


def a_row(**cells: str) -> list[str]:
    return [{"id": "a", KEY: "row-a"}.get(name, "") if name not in cells else cells[name] for name in COLUMNS]


@settings(deadline=None, max_examples=50)
@given(answers=st.lists(texts, min_size=1, max_size=4))
@pytest.mark.parametrize("how", SAVES)
def test_what_a_spreadsheet_saves_is_read_as_it_was_written(
    how: str, answers: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path, save = tmp_path_factory.mktemp("sheet") / "sheet.csv", SAVES[how]
    if how == "excel csv":
        answers = [text.encode("cp1252", "ignore").decode("cp1252") for text in answers]
    write_sheet(path, [a_row(answer=cell(text), note=cell(text)) for text in answers])
    table = opened(path)
    path.write_bytes(save(table))
    sheet = read_sheet(path)
    assert [row.answer for row in sheet.rows] == [cell(text) for text in answers]
    assert [row.note for row in sheet.rows] == [cell(text) for text in answers]
    assert [row.number for row in sheet.rows] == list(range(2, len(answers) + 2))


def test_a_sheet_opens_in_excel(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.csv", [a_row(answer="naïve, “quoted”\nsecond line", note="=1")])
    raw = (tmp_path / "sheet.csv").read_bytes()
    assert raw.startswith(b'\xef\xbb\xbf"id",')
    assert raw.endswith(b"\r\n")
    assert opened(tmp_path / "sheet.csv")[1][COLUMNS.index("note")] == "'=1"


def test_columns_and_rows_may_move_and_others_stand_beside(tmp_path: Path) -> None:
    header = ["Mine", KEY, " Note", "Decision", "answer", "ANSWER KEY", "correction ", "conversation"]
    rows = [["x", "row-b", "", "Approve ", "two", "", "", "said"], [""] * 8, ["", "row-a", "n", "", "one"]]
    (tmp_path / "sheet.csv").write_bytes(SAVES["excel unicode text"]([header, *rows]))
    found = read_sheet(tmp_path / "sheet.csv").rows
    assert [(row.number, row.key, row.decision, row.answer, row.note) for row in found] == [
        (2, "row-b", "approve", "two", ""),
        (4, "row-a", "", "one", "n"),
    ]


def test_a_cell_longer_than_excel_holds_does_not_fit() -> None:
    assert fits(["x" * CELL, ""])
    assert not fits(["x" * (CELL + 1)])
    assert not fits(["=" + "x" * (CELL - 1)])
    assert not fits(["👍" * (CELL // 2 + 1)])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"PK\x03\x04rest", "a workbook, not a CSV"),
        (b"id,decision\n1,approve\n", "no column 'row ñð€'"),
        (b"", "no column"),
        ("conversation,answer,decision,note,row ñð€\n".encode(), "must stand there once: correction"),
        ("conversation,answer,decision,note,correction,note,row ñð€\n".encode(), "must stand there once: note"),
        (b"answer,decision,note,correction,row ???\n", "came back as 'row \\?\\?\\?': letters were lost"),
        ("answer,decision,note,correction,row ñđ€\n".encode("cp1250", "replace"), "letters were lost"),
        ("answer,decision,note,correction,row ñ?€\r".encode("mac-roman"), "letters were lost"),
        ('conversation,answer,decision,note,correction,row ñð€\n"open,,,,,'.encode(), "no CSV after row 1"),
        (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16 nor Windows-1252"),
    ],
)
def test_a_file_that_cannot_be_read_surely_is_refused_by_name(tmp_path: Path, raw: bytes, words: str) -> None:
    (tmp_path / "sheet.csv").write_bytes(raw)
    with pytest.raises(ProjectError, match=f"sheet.csv: .*{words}"):
        read_sheet(tmp_path / "sheet.csv")


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"sheet\.csv: No such file"):
        read_sheet(tmp_path / "sheet.csv")


def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProjectError, match=r"sheet\.csv: .*Name a file that can be written"):
        write_sheet(tmp_path / "file" / "sheet.csv", [])


def test_only_an_encoding_with_every_letter_is_called_unicode(tmp_path: Path) -> None:
    table = [list(COLUMNS), a_row(note="café")]
    for name, save in SAVES.items():
        (tmp_path / "sheet.csv").write_bytes(save(table))
        assert read_sheet(tmp_path / "sheet.csv").unicode == (name != "excel csv")
        assert read_sheet(tmp_path / "sheet.csv").rows[0].note == "café"


def test_the_sheet_is_a_csv_like_any_other(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.csv", [a_row(answer="x")])
    text = (tmp_path / "sheet.csv").read_text(encoding="utf-8-sig")
    assert [row["answer"] for row in csv.DictReader(io.StringIO(text))] == ["x"]
