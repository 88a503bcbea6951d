from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.review.cells import neutralised, restored, write_csv

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")) | st.from_regex(
    r"'{0,3}[ \t]*[=+\-@＝\t\r\n]?[;,\"'|]*[^\ud800-\udfff\x00]{0,9}", fullmatch=True
)


@given(text=texts)
def test_no_cell_is_run_and_every_text_comes_back(text: str) -> None:
    given_out = neutralised(text)
    assert restored(given_out) == text
    assert given_out.lstrip()[:1] not in ("=", "+", "-", "@", "＝", "＋", "－", "＠")
    assert given_out[:1] not in ("\t", "\r", "\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "'=1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert neutralised(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "plain", "'quoted'", "a=1", "{“x”: 1}", "1-2", "'tis"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutralised(text) == restored(text) == text


def test_no_column_is_run_either(tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv", ["=1+1"], [["-2"]])
    assert (tmp_path / "rows.csv").read_text(encoding="utf-8-sig").splitlines() == ['"\'=1+1"', '"\'-2"']
