from collections import Counter

from flows.evidence.funnel import examples, funnel
from tasks.artifacts import Dataset, Made, Tally
from tasks.evidence import Outcome
from tasks.filter import Filtered
from tasks.rows import Dropped, Input, Kept, Output, Unpicked
from tasks.sample import Sampled
from tasks.split import SplitRows
from tasks.store import Store
from tasks.teach import Taught
from tests.tasks.toys import a_kept, an_input, an_output

MADE = Made(stage="test", version="1", config={}, parents={})
NOTHING = {"tally": Tally(rows_in=0, outcomes={}), "seconds": 0.0}


def dropped(id: str, slice: str, reason: str, text: str = "x") -> Dropped:
    return Dropped(**(an_output(id, text) | {"slice": slice}), reason=reason, evidence="seen")  # type: ignore[typeddict-item]


def unpicked(id: str) -> Unpicked:
    return Unpicked(id=id, slice="all", reason="exact_duplicate", evidence="")


def stored(rows: list[Dropped]) -> Dataset:
    return Store().write_rows(rows, Dropped, MADE)


def test_every_row_of_every_stage_is_counted_once_under_its_slice() -> None:
    write = Store().write_rows
    picked = [an_input("a", slice="one"), an_input("b", slice="two"), an_input("c", slice="two")]
    answers = [an_output("a", "x") | {"slice": "one"}, an_output("b", "", error="timed out") | {"slice": "two"}]
    kept = [a_kept("a", slice="one"), a_kept("c", slice="two", approved=True)]
    parts = {
        name: write(rows, Kept, MADE) for name, rows in zip(("train", "holdout"), (kept[:1], kept[1:]), strict=True)
    }
    none = write([], Kept, MADE)
    found = funnel(
        Sampled(
            inputs=write(picked, Input, MADE), unpicked=write([unpicked("d")], Unpicked, MADE), coverage=[], **NOTHING
        ),
        Taught(outputs=write(answers, Output, MADE), asked=0, **NOTHING),
        Filtered(
            kept=write(kept, Kept, MADE), dropped=stored([dropped("b", "two", "failed")]), collapsed=[], **NOTHING
        ),
        SplitRows(**parts, validation=none, unseen=none, **NOTHING),
    )
    assert [(each.stage, each.outcome, each.leaves, each.slices) for each in found] == [
        ("sample", "picked", False, {"one": 1, "two": 2}),
        ("sample", "exact_duplicate", True, {"all": 1}),
        ("teach", "answered", False, {"one": 1}),
        ("teach", "failed", False, {"two": 1}),
        ("filter", "kept", False, {"one": 1}),
        ("filter", "approved", False, {"two": 1}),
        ("filter", "failed", True, {"two": 1}),
        ("split", "train", False, {"one": 1}),
        ("split", "holdout", False, {"two": 1}),
    ]
    assert all(isinstance(each, Outcome) for each in found)


def test_three_rows_of_each_reason_and_slice_are_shown_with_what_was_seen() -> None:
    rows = [dropped(f"{at}", slice, reason) for at in range(5) for slice in "ab" for reason in ("length", "refused")]
    shown = list(examples(Store().write_rows([unpicked("u")], Unpicked, MADE), stored(rows)))
    counts = Counter((each.stage, each.reason, each.slice) for each in shown)
    assert counts.pop(("sample", "exact_duplicate", "all")) == 1
    assert set(counts.values()) == {3}
    assert len(counts) == 4
    assert {each.evidence for each in shown if each.stage == "filter"} == {"seen"}


def test_an_example_of_a_megabyte_is_cut_and_says_so() -> None:
    [shown] = examples(Store().write_rows([], Unpicked, MADE), stored([dropped("a", "all", "length", "x" * 1_000_000)]))
    assert len(shown.answer) < 2_000
    assert shown.answer.endswith("(1,000,000 characters)")
