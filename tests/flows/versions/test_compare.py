from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flows.versions.compare import Entry, Side, Versions, compare
from tasks.evidence import Difference, Estimate, Evidence, Scores, Training
from tasks.rows import Scored

CURVE: dict[str, Any] = dict.fromkeys(
    ("rows", "watched", "too_long", "tokens", "answer_tokens", "longest_row", "trained_parameters", "steps"), 1
)


def evidence(config: dict[str, Any], estimates: list[Estimate] | None = None) -> Evidence:
    return Evidence(
        project="shop",
        version=1,
        verdict="promote",
        on_stage=False,
        reasons=[],
        stages=[],
        scores=Scores(estimates=estimates or [], differences=[]),
        usage=[],
        training=Training(**CURVE, seconds=1.0, example="", curve=[]),
        config=config,
        versions={},
        dropped=[],
        comparisons=[],
    )


def answer(id: str, scores: dict[str, float], slice: str = "s") -> Scored:
    return Scored(
        id=id,
        slice=slice,
        group=id,
        part="holdout",
        system="student",
        text="",
        reference="",
        approved=False,
        error="",
        input_tokens=0,
        output_tokens=0,
        seconds=0.0,
        scores=scores,
    )


def estimate(metric: str, mean: float, slice: str = "all") -> Estimate:
    return Estimate(
        system="student", metric=metric, part="holdout", slice=slice, mean=mean, low=0, high=1, n=2, groups=2
    )


def judged(
    version: int, answers: list[Scored], rows: dict[str, str], config: dict[str, Any], means: dict[str, float]
) -> Entry:
    side = Side(
        version=version,
        student="a" * 64,
        entered_at=0.0,
        verdict="promote",
        on_stage=False,
        holdout="b" * 64,
        holdout_rows=len(rows),
        trained_rows=1,
    )
    return Entry(side, evidence(config, [estimate(name, mean) for name, mean in means.items()]), answers, rows)


def difference(compared: Versions, metric: str = "intent") -> Difference | None:
    [found] = [each.difference for each in compared.figures if (each.metric, each.slice) == (metric, "all")]
    return found


def test_only_rows_that_both_were_judged_on_word_for_word_are_compared() -> None:
    first = judged(1, [answer(id, {"intent": 0.0}) for id in "abc"], {"a": "1", "b": "2", "c": "3"}, {}, {"intent": 0})
    second = judged(2, [answer(id, {"intent": 1.0}) for id in "abd"], {"a": "1", "b": "X", "d": "4"}, {}, {"intent": 1})
    compared = compare(first, second)
    found = difference(compared)
    assert compared.common == 1
    assert found
    assert (found.n, found.mean, found.system, found.versus) == (1, 1.0, "version 2", "version 1")


def test_where_nothing_is_common_there_is_no_difference_and_both_figures_stand() -> None:
    first = judged(1, [answer("a", {"intent": 0.0})], {"a": "1"}, {}, {"intent": 0.25})
    second = judged(2, [answer("b", {"intent": 1.0})], {"b": "2"}, {}, {"intent": 0.75, "schema": 1.0})
    compared = compare(first, second)
    assert compared.common == 0
    assert difference(compared) is None
    assert [
        (each.metric, each.first and each.first.mean, each.second and each.second.mean) for each in compared.figures
    ] == [
        ("intent", 0.25, 0.75),
        ("schema", None, 1.0),
    ]


def test_settings_that_differ_are_named_by_their_path_and_no_others() -> None:
    one = {"teach": {"model": "a", "samples": 1}, "filter": {"rules": [{"rule": "x"}, {"rule": "y"}]}, "gold": None}
    other = {"teach": {"model": "b", "samples": 1}, "filter": {"rules": [{"rule": "x"}]}, "gold": None}
    compared = compare(judged(1, [], {}, one, {}), judged(2, [], {}, other, {}))
    assert [(each.name, each.first, each.second) for each in compared.changed] == [
        ("teach.model", "a", "b"),
        ("filter.rules.1.rule", "y", None),
    ]


marks = st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, None])] * 2), min_size=1, max_size=12)


@given(marks=marks)
def test_the_interval_holds_the_mean_whatever_the_missing_verdicts_would_have_been(
    marks: list[tuple[float | None, float | None]],
) -> None:
    rows = {str(number): "same" for number in range(len(marks))}
    sides = [
        judged(
            side + 1,
            [
                answer(id, {} if (mark := pair[side]) is None else {"intent": mark})
                for id, pair in zip(rows, marks, strict=True)
            ],
            rows,
            {},
            {"intent": 0.5},
        )
        for side in (0, 1)
    ]
    found = difference(compare(*sides))
    if any(all(pair[side] is None for pair in marks) for side in (0, 1)):
        assert found is None
        return
    assert found
    assert found.unjudged == sum(None in pair for pair in marks)
    assert found.n == len(marks)
    for missing in ((1.0, 0.0), (0.0, 1.0)):
        filled = [(missing[1] if two is None else two) - (missing[0] if one is None else one) for one, two in marks]
        assert found.low - 1e-9 <= sum(filled) / len(filled) <= found.high + 1e-9
