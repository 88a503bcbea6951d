"""The funnel: what became of the rows at each stage, by slice, and examples of those that went no further."""

from collections import Counter
from collections.abc import Iterator

from tasks import filter, split, teach
from tasks.artifacts import Dataset
from tasks.evidence import DroppedExample, Outcome
from tasks.filter import Filtered
from tasks.rows import Dropped, Input, Unpicked
from tasks.sample import NOT_DRAWN, Sampled
from tasks.split import SplitRows
from tasks.store import Store
from tasks.teach import Taught

_EXAMPLES = 3
_TEXT = 1_500


def funnel(sampled: Sampled, taught: Taught, filtered: Filtered, parts: SplitRows) -> list[Outcome]:
    """Rows by stage, outcome and slice, as far as stages say so by row. Those of `teach` and `filter` are answers."""
    counts: dict[tuple[str, str, bool], Counter[str]] = {}
    for stage, outcome, leaves, name in _passed(sampled, taught, filtered, parts):
        counts.setdefault((stage, outcome, leaves), Counter())[name] += 1
    return [
        Outcome(stage=stage, outcome=outcome, leaves=leaves, slices=dict(sorted(slices.items())))
        for (stage, outcome, leaves), slices in counts.items()
    ]


def _passed(
    sampled: Sampled, taught: Taught, filtered: Filtered, parts: SplitRows
) -> Iterator[tuple[str, str, bool, str]]:
    """Of every row at every stage: the stage, the outcome, whether it went no further, and its slice."""
    read = Store().read_rows
    yield from (("sample", "picked", False, row["slice"]) for row in read(sampled.inputs, ["slice"]))
    yield from (("sample", row["reason"], True, row["slice"]) for row in read(sampled.unpicked, ["slice", "reason"]))
    for row in read(taught.outputs, ["slice", "error", "finish_reason"]):
        yield "teach", teach.outcome(row), False, row["slice"]
    for row in read(filtered.kept, ["slice", "approved", "repaired"]):
        yield "filter", filter.outcome(row), False, row["slice"]
    yield from (("filter", row["reason"], True, row["slice"]) for row in read(filtered.dropped, ["slice", "reason"]))
    for part in split.PARTS:
        yield from (("split", part, False, row["slice"]) for row in read(getattr(parts, part), ["slice"]))


def examples(unpicked: Dataset, dropped: Dataset) -> Iterator[DroppedExample]:
    """Three rows of each reason and slice, the first ones; a row that was only not drawn is no example of anything."""
    shown: Counter[tuple[str, str, str]] = Counter()
    for stage, dataset in (("sample", unpicked), ("filter", dropped)):
        for row in Store().read_rows(dataset):
            if row["reason"] == NOT_DRAWN:
                continue
            shown[stage, row["reason"], row["slice"]] += 1
            if shown[stage, row["reason"], row["slice"]] <= _EXAMPLES:
                yield _example(stage, row)


def _example(stage: str, row: Unpicked | Dropped) -> DroppedExample:
    return DroppedExample(
        stage=stage,
        reason=row["reason"],
        id=row["id"],
        slice=row["slice"],
        said=excerpt(spoken(row)) if "messages" in row else "",
        answer=excerpt(row.get("text", "")),
        evidence=excerpt(row["evidence"]),
    )


def excerpt(text: str) -> str:
    """A text as the evidence keeps it: cut where it is very long, saying how long it was."""
    return text if len(text) <= _TEXT else f"{text[:_TEXT]} … ({len(text):,} characters)"


def spoken(row: Input) -> str:
    """A row's conversation as people read it."""
    turns = row["messages"]
    return turns[0]["content"] if len(turns) == 1 else "\n".join(f"{turn['role']}: {turn['content']}" for turn in turns)
