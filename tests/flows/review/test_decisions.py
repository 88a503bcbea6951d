import re
from pathlib import Path

import pytest

from flows.review.decisions import Choices, decisions
from flows.review.sheet import CELL, KEY, Sheet, SheetRow
from tasks.errors import ProjectError
from tasks.reviews import Review, Shown

FILE = Path("sheet.csv")
ASKED = [Shown(f"digest of {id}", id, f"answer to {id}", id == "c") for id in "abc"]
SHOWN = {each.key: each for each in ASKED}
SPOKEN = {each.row: f"question {each.id}" for each in ASKED}


def a_row(
    number: int, asked: Shown, decision: str = "", correction: str = "", note: str = "", answer: str = ""
) -> SheetRow:
    return SheetRow(number, asked.key, SPOKEN[asked.row], answer or asked.answer, decision, correction, note)


def decide(*rows: SheetRow, known: dict[str, Review] | None = None, unicode: bool = True) -> Choices:
    return decisions(FILE, Sheet(list(rows), unicode), SHOWN, known or {}, SPOKEN)


def test_every_row_has_one_outcome_and_every_decision_is_a_review() -> None:
    a, b, c = ASKED
    decided = decide(a_row(2, a, "approve", note="fine"), a_row(3, b, "correct", "better"), a_row(4, c))
    assert decided.new == [
        Review(a.row, "a", "approve", "answer to a", "fine", False),
        Review(b.row, "b", "correct", "better", "", False),
    ]
    assert decided.outcomes == {"approved": 1, "corrected": 1, "undecided": 1}
    [veto] = decide(a_row(2, c, "veto", note="no")).new
    assert veto == Review(c.row, "c", "veto", "answer to c", "no", True)


def test_what_is_on_record_is_unchanged_and_a_second_thought_is_not() -> None:
    a, b, _ = ASKED
    first = decide(a_row(2, a, "approve"), a_row(3, b, "veto"))
    known = {each.row: each for each in first.new}
    again = decide(a_row(2, a, "approve"), a_row(3, b, "correct", "better"), known=known)
    assert again.outcomes == {"unchanged": 1, "corrected": 1}
    assert [each.decision for each in again.new] == ["correct"]


def test_the_same_row_twice_counts_once_where_both_say_the_same() -> None:
    decided = decide(a_row(2, ASKED[0], "veto"), a_row(3, ASKED[0], "veto"))
    assert len(decided.new) == 1
    assert decided.outcomes == {"vetoed": 1, "repeated": 1}


@pytest.mark.parametrize(
    ("came_back", "asked"),
    [("TRUE", "true"), ("3.1", "3.10"), ("one\ntwo ", "one\r\ntwo"), ("'=1", "'=1"), ("\\u0000x", "\x00x")],
)
def test_what_spreadsheets_do_to_an_answer_is_no_change(came_back: str, asked: str) -> None:
    shown = Shown("r", "a", asked, False)
    row = SheetRow(2, shown.key, "", came_back, "approve", "", "")
    [review] = decisions(FILE, Sheet([row], True), {shown.key: shown}, {}, {}).new
    assert review.answer == asked


WRONG = {
    "approved": (a_row(7, ASKED[0], "approved"), "`decision`: 'approved' is none of approve, correct, veto"),
    "no text": (a_row(7, ASKED[0], "correct", " \n"), "`correction`: empty, and the decision is `correct`"),
    "text alone": (a_row(7, ASKED[0], "", "better"), "`decision`: empty, and there is a correction"),
    "both": (a_row(7, ASKED[0], "veto", "better"), "`decision`: veto, and there is a correction"),
    "edited": (
        a_row(7, ASKED[0], "approve", answer="edited"),
        "`answer`: it came back as 'edited'; if you changed it, write",
    ),
    "edited in vain": (a_row(7, ASKED[0], answer="edited"), "`answer`: it came back as 'edited'"),
    "formula": (a_row(7, ASKED[0], "correct", "#NAME?"), "`correction`: '#NAME?' is a spreadsheet's error"),
    "cut": (a_row(7, ASKED[0], "correct", "x" * CELL), "`correction`: as long as a cell can be (32,767 characters)"),
    "unknown": (SheetRow(7, "row-none", "", "", "veto", "", ""), f"`{KEY}`: 'row-none' was never given out"),
}


@pytest.mark.parametrize(("row", "words"), WRONG.values(), ids=list(WRONG))
def test_a_row_that_is_wrong_is_named_with_its_column_and_nothing_is_taken_in(row: SheetRow, words: str) -> None:
    with pytest.raises(ProjectError, match=rf"sheet\.csv: nothing was taken in\. row 7, column {re.escape(words)}"):
        decide(a_row(2, ASKED[1], "approve"), row)


@pytest.mark.parametrize("column", ["key", "conversation"])
@pytest.mark.parametrize("decision", ["approve", "correct", "veto", ""])
def test_a_column_that_was_sorted_without_the_others_is_told_by_its_rows(column: str, decision: str) -> None:
    correction = "better" if decision == "correct" else ""
    rows = [a_row(number, asked, decision, correction) for number, asked in enumerate(ASKED, start=2)]
    others = [getattr(row, column) for row in reversed(rows)]
    rows = [row._replace(**{column: other}) for row, other in zip(rows, others, strict=True)]
    with pytest.raises(ProjectError, match=r"row 2, column `conversation`: .*; row 4, column `conversation`: "):
        decide(*rows)


def test_what_a_row_that_is_gone_said_is_not_compared() -> None:
    row = a_row(2, ASKED[0], "veto")._replace(conversation="what it said")
    assert decisions(FILE, Sheet([row], True), SHOWN, {}, {}).outcomes == {"vetoed": 1}


OBJECT = r'{"reply": "So \u0000 “quoted”."}'


@pytest.mark.parametrize(
    ("correction", "doubt"),
    [
        ('{“reply”: "yes"}', "no JSON object, as most of the answers are; typographic quotes “” stand in it"),
        ("yes", "no JSON object, as most of the answers are"),
        ('{"reply": "a"}\x0b', r"control characters \u000b"),
        (OBJECT, None),
    ],
)
def test_a_correction_that_looks_like_a_slip_is_taken_in_and_named(correction: str, doubt: str | None) -> None:
    asked = [each._replace(answer=answer) for each, answer in zip(ASKED, [OBJECT, OBJECT, "prose"], strict=True)]
    rows = [a_row(number, each) for number, each in enumerate(asked, start=2)]
    rows[1] = rows[1]._replace(decision="correct", correction=correction)
    decided = decisions(FILE, Sheet(rows, True), {each.key: each for each in asked}, {}, SPOKEN)
    assert [review.answer for review in decided.new] == [correction]
    named = f"row 3, column `correction`: {doubt}"
    assert named in decided.doubts if doubt else not decided.doubts


def test_where_most_answers_are_prose_a_correction_may_be_prose() -> None:
    assert decide(a_row(2, ASKED[0], "correct", "better")).doubts == []


def test_one_row_decided_in_two_ways_names_both() -> None:
    with pytest.raises(ProjectError, match="row 3, column `decision`: row 2 says otherwise of the same row"):
        decide(a_row(2, ASKED[0], "approve"), a_row(3, ASKED[0], "veto"))


def test_an_answer_that_is_empty_can_be_vetoed_and_not_approved() -> None:
    shown = Shown("r", "a", "", False)
    for decision, taken in (("veto", True), ("approve", False)):
        sheet = Sheet([SheetRow(2, shown.key, "", "", decision, "", "")], True)
        if taken:
            assert decisions(FILE, sheet, {shown.key: shown}, {}, {}).outcomes == {"vetoed": 1}
        else:
            with pytest.raises(ProjectError, match="there is no answer to approve"):
                decisions(FILE, sheet, {shown.key: shown}, {}, {})


def test_a_question_mark_is_doubted_where_the_encoding_lacks_letters() -> None:
    row = a_row(2, ASKED[0], "correct", "Dzi?kuj?")
    assert decide(row).outcomes == {"corrected": 1}
    with pytest.raises(ProjectError, match="row 2, column `correction`: its `\\?` may stand for a letter"):
        decide(row, unicode=False)
    with pytest.raises(ProjectError, match="row 2, column `note`: its `\\?` may stand for a letter"):
        decide(a_row(2, ASKED[0], "veto", note="?"), unicode=False)
    with pytest.raises(ProjectError, match=r"`answer`: it came back as .*if letters were lost, save as CSV UTF-8"):
        decide(a_row(2, ASKED[0], "approve", answer="?"), unicode=False)
    assert decide(a_row(2, ASKED[0], "correct", "Grüße"), unicode=False).outcomes == {"corrected": 1}


def test_the_first_ten_problems_are_told_at_once() -> None:
    rows = [SheetRow(number, "row-none", "", "", "veto", "", "") for number in range(2, 14)]
    with pytest.raises(ProjectError, match=r"row 2, .*row 11, .*; and 2 more\.$"):
        decide(*rows)
