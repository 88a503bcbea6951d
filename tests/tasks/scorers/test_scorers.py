"""What holds for every scorer there is."""

import json
import time
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tasks.scorers import Pattern, Scorer, Similarity, StandardScorer, marks
from tests.conftest import ROOT
from tests.tasks.scorers.toys import similarity

ADAPTER: TypeAdapter[Any] = TypeAdapter(Scorer)
SCHEMA = ROOT / "data" / "support" / "schema.json"


class Planted(NamedTuple):
    """A scorer, what it must give full marks for, and what it must give none."""

    config: dict[str, Any]
    reference: str
    wrong: str

    @property
    def scorer(self) -> Any:
        return similarity() if self.config["scorer"] == "similarity" else ADAPTER.validate_python(self.config)


TABLE = [
    Planted({"scorer": "exact"}, "It left us today.", "It left us Today."),
    Planted({"scorer": "exact", "normalised": True}, "It left us today.", "It left them today."),
    Planted({"scorer": "labels", "labels": ["status", "warranty"]}, "status", "warranty"),
    Planted({"scorer": "labels", "field": "intent"}, '{"intent": "status"}', "status"),
    Planted({"scorer": "fields", "name": "paid", "fields": ["paid"]}, '{"paid": true}', '{"paid": 1}'),
    Planted({"scorer": "set_f1", "field": "tags"}, '{"tags": ["a", "b"]}', '{"tags": ["c"]}'),
    Planted({"scorer": "set_f1", "items": "lines"}, "tent\nstove", "tent, stove"),
    Planted({"scorer": "number", "absolute": 0.5}, "12", "12.6"),
    Planted({"scorer": "token_f1"}, "The parcel left us.", "Nothing of it."),
    Planted({"scorer": "rouge"}, "The parcel left us.", "Nothing of it."),
    Planted({"scorer": "rouge", "variant": "rouge2"}, "The parcel left us.", "Left parcel the us."),
    Planted({"scorer": "chrf"}, "The parcel left us.", "0123-456"),
    Planted({"scorer": "similarity"}, "the parcel left us", "nothing of it"),
    Planted({"scorer": "words", "at_most": 3}, "one two three", "one two three four"),
    Planted({"scorer": "characters", "at_most": 3}, "one", "four"),
    Planted({"scorer": "lines", "at_most": 1}, "one", "one\ntwo"),
    Planted({"scorer": "pattern", "pattern": r"HF-\d{5}"}, "HF-20418", "HF-2041"),
    Planted(
        {"scorer": "schema", "schema_file": str(SCHEMA)},
        '{"intent": "abuse", "action": "decline", "reply": "The door is open."}',
        '{"intent": "abuse", "action": "decline"}',
    ),
    Planted({"scorer": "terms", "required": ["– Fern"], "forbidden": ["!"]}, "Yes. – Fern", "Yes! – Fern"),
]
every = pytest.mark.parametrize("planted", TABLE, ids=lambda planted: " ".join(map(str, planted.config.values()))[:40])
HOSTILE = {
    "a loop": "where is my parcel, " * 50_000,
    "digits": "7" * 1_000_000,
    "control characters": "".join(map(chr, range(32))) * 30_000,
    "nested objects": '{"tags":' * 100_000,
    "nested lists": '{"tags": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "half a surrogate pair": "\ud83c",
    "nothing": "",
}


def test_the_table_has_every_scorer_that_there_is() -> None:
    members = get_args(get_args(Scorer)[0])
    assert {type(planted.scorer) for planted in TABLE} == set(members)
    names = {name for member in members for name in get_args(member.model_fields["scorer"].annotation)}
    assert {planted.config["scorer"] for planted in TABLE} == names


@every
def test_the_reference_gets_full_marks_and_the_planted_answer_none(planted: Planted) -> None:
    right, wrong = marks(planted.scorer, [planted.reference, planted.wrong], [planted.reference] * 2)
    assert right == (1.0, "")
    assert wrong.value == 0.0
    assert wrong.evidence


@every
def test_many_are_scored_as_one_by_one(planted: Planted) -> None:
    texts = [planted.reference, planted.wrong, "", planted.reference]
    references = [planted.reference, planted.reference, planted.reference, planted.wrong]
    alone = [planted.scorer.score(text, reference) for text, reference in zip(texts, references, strict=True)]
    assert marks(planted.scorer, texts, references) == alone


@every
@settings(max_examples=30, deadline=None)
@given(text=st.text(), reference=st.text())
def test_every_score_lies_between_0_and_1_whatever_the_texts_are(planted: Planted, text: str, reference: str) -> None:
    for one, other in ((text, reference), (text, planted.reference), (planted.reference, reference)):
        assert 0.0 <= planted.scorer.score(one, other).value <= 1.0


@every
@settings(max_examples=30, deadline=None)
@given(reply=st.text())
def test_a_text_as_its_own_reference_gets_all_or_nothing(planted: Planted, reply: str) -> None:
    """All, but where the text is nothing of the kind that the scorer reads, as prose is no number."""
    for text in (reply, json.dumps({"tags": [reply], "intent": reply, "paid": reply})):
        assert planted.scorer.score(text, text).value in {0.0, 1.0}


@every
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_scored_in_seconds_and_shown_in_few_words(planted: Planted, hostile: str) -> None:
    started = time.monotonic()
    score = planted.scorer.score(hostile, planted.reference)
    assert 0.0 <= score.value <= 1.0
    assert len(score.evidence) < 500
    assert time.monotonic() - started < 10


def test_those_that_need_no_reference_are_among_all() -> None:
    assert set(get_args(get_args(StandardScorer)[0])) <= set(get_args(get_args(Scorer)[0]))


def test_each_that_takes_many_at_once_is_asked_so() -> None:
    batched = {member for member in get_args(get_args(Scorer)[0]) if hasattr(member, "score_all")}
    assert batched == {Pattern, Similarity}
