import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from flows.project import load
from tasks.artifacts import Dataset, Made
from tasks.errors import ProjectError, StageFailed
from tasks.filter import FilterConfig, filter, read_gold, sift
from tasks.models import Budget
from tasks.reviews import Decision, Review, Reviews, row_key
from tasks.rows import Dropped, Kept, Output
from tasks.rules import Agreement, JsonObject, Rule
from tasks.sample import sample
from tasks.store import Store
from tasks.teach import teach
from tests.conftest import ROOT
from tests.tasks.toys import an_output

BUDGET = Budget(project="sifted", run="one")
MADE = Made(stage="teach", version="1", config={}, parents={})
RULES = TypeAdapter[list[Rule]](list[Rule]).validate_python(
    [
        {"rule": "answered"},
        {"rule": "json_object"},
        {"rule": "standard", "scorer": {"scorer": "words", "field": "reply", "at_most": 3}},
        {"rule": "near_duplicate"},
    ]
)
ROW_BY_ROW = RULES[:-1]
GOOD = '{"reply": "on its way"}'


def stored(rows: list[Output]) -> Dataset:
    return Store().write_rows(rows, Output, MADE)


def an_answer(number: int, kind: str, question: int) -> Output:
    text, finish_reason, error = {
        "good": (GOOD, "stop", ""),
        "fenced": (f"```json\n{GOOD}\n```", "stop", ""),
        "chatty": (f"Of course! {GOOD}", "stop", ""),
        "long": ('{"reply": "one two three four"}', "stop", ""),
        "cut": ('{"reply": "on', "length", ""),
        "refused": ("I'm sorry, but I can't.", "stop", ""),
        "prose": ("on its way", "stop", ""),
        "empty": ("", "stop", ""),
        "failed": ("", "", "timed out"),
    }[kind]
    said = f"{'abcdefghij'[question] * 7} is the question"
    return an_output(f"row-{number}", text, said, finish_reason, error)


kinds = ["good", "fenced", "chatty", "long", "cut", "refused", "prose", "empty", "failed"]
some_rows = st.lists(st.tuples(st.sampled_from(kinds), st.integers(0, 9)), max_size=20).map(
    lambda drawn: [an_answer(number, kind, question) for number, (kind, question) in enumerate(drawn)]
)
some_gold = st.sets(st.integers(0, 19)).map(lambda rows: {f"row-{row}": f"approved for {row}" for row in rows})


@settings(deadline=None, max_examples=50)
@given(rows=some_rows, gold=some_gold, rules=st.permutations(RULES))
def test_every_row_is_kept_or_dropped_once(rows: list[Output], gold: dict[str, str], rules: list[Rule]) -> None:
    sifted = sift(rows, rules, gold)
    assert Counter(row["id"] for row in [*sifted.kept, *sifted.dropped]) == Counter(row["id"] for row in rows)
    assert all(row["reason"] for row in sifted.dropped)


@settings(deadline=None, max_examples=50)
@given(rows=some_rows, gold=some_gold, rules=st.permutations(RULES))
def test_an_approved_answer_wins_word_for_word_and_is_never_dropped(
    rows: list[Output], gold: dict[str, str], rules: list[Rule]
) -> None:
    kept = {row["id"]: row for row in sift(rows, rules, gold).kept}
    for row in rows:
        if row["id"] in gold:
            approved = kept[row["id"]]
            assert approved["approved"]
            assert approved["completion"] == approved["reference"] == gold[row["id"]]
            assert not approved["repaired"]
    assert not any(row["approved"] for row in kept.values() if row["id"] not in gold)


def a_review(row: Output, decision: Decision, answer: str = "", note: str = "") -> Review:
    return Review(row_key(row), row["id"], decision, answer, note, False)


@settings(deadline=None, max_examples=50)
@given(
    rows=some_rows,
    gold=some_gold,
    decided=st.dictionaries(st.integers(0, 19), st.sampled_from(["approve", "correct", "veto"])),
    rules=st.permutations(RULES),
)
def test_a_review_wins_over_gold_and_teacher_whatever_the_rules_say(
    rows: list[Output], gold: dict[str, str], decided: dict[int, Decision], rules: list[Rule]
) -> None:
    names = {f"row-{number}": decision for number, decision in decided.items()}
    reviews = {
        row["id"]: a_review(row, names[row["id"]], f"reviewed {row['id']}", "no") for row in rows if row["id"] in names
    }
    sifted = sift(rows, rules, gold, reviews)
    kept, dropped = ({row["id"]: row for row in part} for part in (sifted.kept, sifted.dropped))
    assert kept.keys() | dropped.keys() == {row["id"] for row in rows}
    assert len(sifted.kept) + len(sifted.dropped) == len(rows)
    for id, review in reviews.items():
        if review.decision == "veto":
            assert (dropped[id]["reason"], dropped[id]["evidence"]) == ("vetoed", "no")
        else:
            assert kept[id]["completion"] == kept[id]["reference"] == f"reviewed {id}"
            assert kept[id]["approved"]
            assert kept[id]["reviewed"] == (id not in gold)
    assert {row["id"] for row in dropped.values() if row["reason"] == "vetoed"} <= reviews.keys()
    assert {row["id"] for row in kept.values() if row["reviewed"]} <= reviews.keys()


def test_every_answer_to_a_vetoed_row_is_dropped_and_repeats_nothing() -> None:
    rows = [an_output("a", GOOD, sample=0), an_output("a", GOOD, sample=1), an_output("b", GOOD, "the question of a")]
    sifted = sift(rows, RULES, {}, {"a": a_review(rows[0], "veto")})
    assert [(row["id"], row["reason"]) for row in sifted.dropped] == [("a", "vetoed"), ("a", "vetoed")]
    assert sifted.dropped[0]["evidence"] == "a person's veto, without a note"
    assert [row["id"] for row in sifted.kept] == ["b"]


def test_what_a_rule_was_not_sure_of_stays_with_the_row_that_is_kept() -> None:
    rows = [an_output("a", text, sample=sample) for sample, text in enumerate([GOOD, GOOD, '{"reply": "later"}'])]
    [kept] = sift(rows, [Agreement(rule="agreement"), JsonObject(rule="json_object")], {}).kept
    assert kept["doubt"].startswith("2 of 3 agree: ")
    [sure] = sift(rows[:2], [Agreement(rule="agreement")], {}).kept
    assert sure["doubt"] == ""


@settings(deadline=None, max_examples=50)
@given(rows=some_rows, gold=some_gold, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing_where_no_rule_compares_them(
    rows: list[Output], gold: dict[str, str], order: Any
) -> None:
    def outcomes(given_rows: list[Output]) -> dict[str, str]:
        sifted = sift(given_rows, ROW_BY_ROW, gold)
        return {row["id"]: row["completion"] for row in sifted.kept} | {
            row["id"]: row["reason"] for row in sifted.dropped
        }

    shuffled = list(rows)
    order.shuffle(shuffled)
    assert outcomes(shuffled) == outcomes(rows)


@settings(deadline=None, max_examples=50)
@given(rows=some_rows, gold=some_gold)
def test_what_was_kept_is_kept_unchanged_by_the_same_rules(rows: list[Output], gold: dict[str, str]) -> None:
    once = [row for row in sift(rows, RULES, gold).kept if not row["approved"]]
    again = [an_output(row["id"], row["completion"], row["messages"][0]["content"]) for row in once]
    twice = sift(again, RULES, {})
    assert [row["completion"] for row in twice.kept] == [row["completion"] for row in once]
    assert twice.dropped == []


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("good", GOOD),
        ("fenced", GOOD),
        ("chatty", GOOD),
        ("long", "length"),
        ("cut", "cut_off"),
        ("refused", "refused"),
        ("prose", "not_json"),
        ("empty", "empty"),
        ("failed", "failed"),
    ],
)
def test_a_row_is_dropped_by_the_first_rule_that_says_so(kind: str, outcome: str) -> None:
    sifted = sift([an_answer(0, kind, 0)], RULES, {})
    assert [row["completion"] for row in sifted.kept] + [row["reason"] for row in sifted.dropped] == [outcome]


def test_a_repair_is_told_and_a_dropped_row_keeps_what_the_teacher_said() -> None:
    sifted = sift([an_answer(0, "fenced", 0), an_answer(1, "chatty", 1), an_answer(2, "prose", 2)], RULES, {})
    assert [row["repaired"] for row in sifted.kept] == [
        "took the code fence away",
        "took the chatter around the object away",
    ]
    assert sifted.dropped[0]["text"] == "on its way"


def config(gold: Path | None = None) -> FilterConfig:
    return FilterConfig.model_validate({"rules": [{"rule": "answered"}, {"rule": "json_object"}], "gold": gold})


def test_an_answer_approved_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "a", "answer": "x"}\n{"id": "a", "answer": "y"}\n')
    with pytest.raises(ProjectError, match=f"{gold}, line 2: field `id`: 'a' is approved twice"):
        read_gold(config(gold))


def test_the_stage_counts_what_became_of_each_row(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "row-0", "answer": "approved"}\n')
    kinds = ["failed", "good", "fenced", "prose", "cut", "cut"]
    rows = [an_answer(number, kind, number) for number, kind in enumerate(kinds)]
    filtered = filter.fn(config(gold), stored(rows), BUDGET)
    assert filtered.tally.rows_in == 6
    assert filtered.tally.outcomes == {"approved": 1, "kept": 1, "repaired": 1, "not_json": 1, "cut_off": 2}
    assert [row["id"] for row in Store().read_rows(filtered.kept)] == ["row-0", "row-1", "row-2"]
    assert (filtered.kept.rows, filtered.dropped.rows) == (3, 3)


def test_a_review_counts_in_the_stage_and_one_without_its_row_is_told() -> None:
    rows = [an_answer(number, kind, number) for number, kind in enumerate(["prose", "good", "good"])]
    gone = an_answer(9, "good", 9)
    reviews = [a_review(rows[0], "approve", "on its way"), a_review(rows[1], "veto"), a_review(gone, "correct", "x")]
    Reviews().add("shop", reviews, "ann")
    filtered = filter.fn(config(), stored(rows), BUDGET, Reviews().reviewed("shop"))
    assert filtered.tally.outcomes == {"approved": 1, "kept": 1, "vetoed": 1}
    assert (filtered.people.approved, filtered.people.corrected, filtered.people.vetoed) == (1, 0, 1)
    assert (
        filtered.words() == "3 rows in: 1 approved, 1 kept, 1 vetoed; reviews of rows that are gone (1): correct row-9"
    )
    assert Store().manifest(filtered.kept).made.parents.keys() == {"outputs", "reviews", "dropped"}


def test_the_stage_stops_where_nothing_is_left_and_says_what_dropped_it() -> None:
    with pytest.raises(StageFailed, match=r"nothing is left of 2 rows \(\{'empty': 2\}\)"):
        filter.fn(config(), stored([an_answer(0, "empty", 0), an_answer(1, "empty", 1)]), BUDGET)


def test_one_answer_with_half_a_surrogate_pair_does_not_stop_the_stage() -> None:
    filtered = filter.fn(config(), stored([an_output("a", r'{"reply": "\ud83d"}'), an_answer(1, "good", 1)]), BUDGET)
    assert filtered.kept.rows + filtered.dropped.rows == 2


class Example(NamedTuple):
    """The example that ships, as far as the filter: its planted flaws, and what became of each row."""

    flaws: dict[str, str]
    kept: dict[str, Kept]
    dropped: dict[str, Dropped]

    def unapproved(self, *kinds: str) -> list[str]:
        approved = {id for id, row in self.kept.items() if row["approved"]}
        found = [id for id, kind in self.flaws.items() if kind in kinds and id not in approved]
        assert found
        return found


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STILLHOUSE_STORE", str(tmp_path_factory.mktemp("example")))
        project = load(ROOT / "deployments" / "support.yaml")
        taught = teach.fn(project.teach, sample.fn(project.sample).inputs, project.budget("test"))
        filtered = filter.fn(project.filter, taught.outputs, project.budget("test"))
        flaws = json.loads((ROOT / "tests" / "support_flaws.json").read_text(encoding="utf-8"))
        yield Example(
            flaws,
            {row["id"]: row for row in Store().read_rows(filtered.kept)},
            {row["id"]: row for row in Store().read_rows(filtered.dropped)},
        )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("cut_off", "cut_off"),
        ("refusal", "refused"),
        ("invented_label", "schema"),
        ("off_voice", "voice"),
        ("over_long", "length"),
    ],
)
def test_a_planted_flaw_of_the_example_is_dropped_for_what_it_is(example: Example, kind: str, reason: str) -> None:
    found = example.unapproved(kind)
    assert {id: example.dropped[id]["reason"] for id in found if id in example.dropped} == dict.fromkeys(found, reason)


def test_a_fenced_or_chatty_answer_of_the_example_is_repaired_and_kept(example: Example) -> None:
    found = example.unapproved("fenced", "chatty")
    assert [id for id in found if id not in example.kept or not example.kept[id]["repaired"]] == []


def test_no_unflawed_answer_of_the_example_is_dropped_but_as_a_near_duplicate(example: Example) -> None:
    reasons = {id: row["reason"] for id, row in example.dropped.items() if id not in example.flaws}
    assert set(reasons.values()) <= {"near_duplicate"}


def test_no_unflawed_answer_of_the_example_is_repaired(example: Example) -> None:
    assert {id for id, row in example.kept.items() if row["repaired"]} <= set(example.flaws)
