import random

import pytest

from tasks.models import Answer
from tasks.monitoring import Audit, Judged, habits, moved_habits, moved_slices, moved_texts
from tasks.similarity import Tfidf

WORDS = ["parcel", "order", "shoes", "tent", "stove", "jacket", "lost", "broken", "late", "refund", "size", "colour"]
OTHERS = ["invoice", "tax", "vat", "receipt", "ledger", "balance", "account"]


def texts(seed: int, count: int, words: list[str]) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(words, k=8)) for _ in range(count)]


def test_texts_of_another_kind_are_told_apart_and_those_of_the_same_are_not() -> None:
    learned = texts(1, 200, WORDS)
    same = moved_texts(learned, texts(2, 200, WORDS), Tfidf(), 0.001, 0.05)
    other = moved_texts(learned, texts(3, 200, OTHERS), Tfidf(), 0.001, 0.05)
    assert same
    assert other
    assert (same.found, other.found) == ("no", "yes")
    assert other.size > 0.9
    assert moved_texts(learned[:10], same_few := texts(4, 10, WORDS), Tfidf(), 0.001, 0.05) is None
    assert len(same_few) == 10


def test_a_mix_of_slices_that_moved_is_named_slice_by_slice() -> None:
    learned = {"bill": 900, "gift": 100}
    found = {each.slice: each for each in moved_slices(learned, [{"bill": 300, "gift": 300}], 0.001, 0.05)}
    assert {name: each.found for name, each in found.items()} == {"bill": "yes", "gift": "yes"}
    assert "10.0% of the inputs, 50.0% of 600 rows" in found["gift"].words
    still = moved_slices(learned, [{"bill": 540, "gift": 60}], 0.001, 0.05)
    assert {each.found for each in still} == {"no"}


def test_traffic_that_names_no_slices_has_no_mix_of_them() -> None:
    assert list(moved_slices({"bill": 900, "gift": 100}, [{"all": 500}], 0.001, 0.05)) == []
    assert list(moved_slices({"bill": 900, "gift": 100}, [], 0.001, 0.05)) == []


def answered(texts: list[str], **more: float) -> list[Judged]:
    return [
        Judged(f"{at}", "all", f"{at}", "all", {}, habits(Answer.model_validate({"text": text, **more})))
        for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        (["I am sorry, but I cannot help with that."] * 30 + ["It left us today, and comes soon."] * 70, "refuses"),
        (["It left us today, and it will come to you as soon as the postman can. " * 3] * 100, "words"),
        (["It left us today!"] * 100, "exclamation marks"),
    ],
)
def test_refusals_length_and_marks_that_moved_are_found(now: list[str], moved: str) -> None:
    promotion = answered(["It left us today, and comes soon."] * 150)
    found = {
        each.about
        for each in moved_habits(promotion, [Audit(0, 1, {}, [], answered(now))], 0.001)
        if each.found == "yes"
    }
    assert moved in found
    still = moved_habits(promotion, [Audit(0, 1, {}, [], answered(["It left us today, and comes soon."] * 90))], 0.001)
    assert {each.found for each in still} == {"no"}


def test_slower_and_dearer_answers_and_failures_are_found() -> None:
    promotion = answered(["yes"] * 150, seconds=0.2, output_tokens=10)
    slow = answered(["yes"] * 100, seconds=0.4, output_tokens=30)
    failed = answered([""] * 20, error="the service said 500") + answered(["yes"] * 80, seconds=0.2, output_tokens=10)
    for now, moved in ((slow, {"output tokens"}), (failed, {"failed"})):
        audit = Audit(0, 1, {}, [], now)
        assert moved <= {each.about for each in moved_habits(promotion, [audit], 0.01) if each.found == "yes"}
