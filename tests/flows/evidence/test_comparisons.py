import json
from typing import Any

import pytest

from flows.evidence.comparisons import DRAWN, WORST, Comparisons, comparisons
from tasks.artifacts import Dataset, Made, Tally
from tasks.rows import Kept, Message, Scored
from tasks.split import SplitRows
from tasks.store import Store

MADE = Made(stage="test", version="1", config={}, parents={})


def kept(name: str, **changes: Any) -> Kept:
    row = Kept(
        id=name,
        messages=[Message(role="user", content=f"asked {name}")],
        slice="s",
        group=name,
        completion="right",
        reference="right",
        approved=False,
        reviewed=False,
        repaired="",
        doubt="",
    )
    return row | changes  # type: ignore[return-value]


def scored(name: str, system: str, mark: float | None, **changes: Any) -> Scored:
    row = Scored(
        id=name,
        slice="s",
        group=name,
        part="holdout",
        system=system,
        text=f"{system} to {name}",
        reference="right",
        approved=False,
        error="",
        input_tokens=1,
        output_tokens=1,
        seconds=0.0,
        scores={"fixed": 1.0} | ({} if mark is None else {"intent": mark}),
    )
    return row | changes  # type: ignore[return-value]


def written(answers: list[Scored], holdout: list[Kept], unseen: list[Kept]) -> tuple[Dataset, SplitRows]:
    write = Store().write_rows
    nothing = write([], Kept, MADE)
    parts = SplitRows(
        train=nothing,
        validation=nothing,
        holdout=write(holdout, Kept, MADE),
        unseen=write(unseen, Kept, MADE),
        tally=Tally(rows_in=0, outcomes={}),
        seconds=0,
    )
    return write(answers, Scored, MADE), parts


def judged(rows: int, worse: int) -> Comparisons:
    """So many rows, on the last of which the student is worse the later they come."""
    names = [f"row-{number:04d}" for number in range(rows)]
    marks = {name: max(0.0, 1 - 0.001 * (rank - rows + worse + 1)) for rank, name in enumerate(names)}
    answers = [scored(name, "teacher", 1.0) for name in names]
    answers += [scored(name, "student", min(1.0, marks[name])) for name in names]
    return comparisons(*written(answers, [kept(name) for name in names], []))


def test_the_worst_rows_come_first_and_some_of_the_others_are_drawn() -> None:
    found = judged(1_000, 300)
    assert len(found.shown) == WORST + DRAWN
    assert [row.id for row in found.shown[:3]] == ["row-0999", "row-0998", "row-0997"]
    assert {row.id for row in found.shown[:WORST]} == {f"row-{number:04d}" for number in range(800, 1_000)}
    assert [row.drawn for row in found.shown] == [False] * WORST + [True] * DRAWN
    assert [each.model_dump() for each in found.all] == [
        {"part": "holdout", "rows": 1_000, "approved": 0, "worse": 300}
    ]


def test_the_same_rows_are_drawn_again_and_few_rows_are_all_shown() -> None:
    assert judged(300, 10) == judged(300, 10)
    assert len(judged(20, 10).shown) == 20


def test_every_system_is_shown_with_what_it_was_asked_and_a_failed_answer_with_its_error() -> None:
    answers = [
        scored("a", "teacher", 1.0, approved=True),
        scored("a", "base", 0.0, text="", error="too long"),
        scored("a", "student", 0.5, approved=True),
        scored("b", "teacher", 1.0, part="unseen"),
        scored("b", "student", 1.0, part="unseen", text="x" * 5_000),
    ]
    found = comparisons(*written(answers, [kept("a")], [kept("b")]))
    assert [(row.id, row.part, row.said) for row in found.shown] == [
        ("a", "holdout", "asked a"),
        ("b", "unseen", "asked b"),
    ]
    assert found.shown[0].answers == {"teacher": "teacher to a", "base": "too long", "student": "student to a"}
    assert found.shown[1].answers["student"].endswith(" … (5,000 characters)")
    assert [(each.part, each.rows, each.approved, each.worse) for each in found.all] == [
        ("holdout", 1, 1, 1),
        ("unseen", 1, 0, 0),
    ]


@pytest.mark.parametrize("unjudged", ["teacher", "student"])
def test_what_was_not_judged_of_one_is_no_disagreement(unjudged: str) -> None:
    marks = {"teacher": 1.0, "student": 0.0} | {unjudged: None}
    found = comparisons(*written([scored("a", system, mark) for system, mark in marks.items()], [kept("a")], []))
    assert [each.worse for each in found.all] == [0]


def test_what_the_evidence_keeps_of_the_rows_does_not_grow_with_them() -> None:
    sizes = [len(json.dumps([row.model_dump() for row in judged(rows, 10).shown])) for rows in (500, 2_000)]
    assert sizes[1] < 1.1 * sizes[0]
