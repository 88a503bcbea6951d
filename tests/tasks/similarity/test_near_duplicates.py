import subprocess
import sys
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.similarity import Repeat, clusters, repeats

PARCEL = "Hello, my parcel has not come yet although it was sent last Monday. Where is it now?"
BOOTS = "The sole of my left boot came off on the second walk. Can you mend it, please?"
WORDS = ["".join(each) for each in product("bdfgklmnprst", "aeiou", "bdfgklmnprst")]

some_texts = st.lists(st.text(alphabet="ab", min_size=5, max_size=14), max_size=12)
some_similarities = st.sampled_from([0.3, 0.6, 1.0])


def shingles(text: str) -> set[str]:
    return {text[start : start + 5] for start in range(max(1, len(text) - 4))}


def jaccard(one: str, two: str) -> float:
    return len(shingles(one) & shingles(two)) / len(shingles(one) | shingles(two))


def alike(one: str, two: str, similarity: float = 1.0) -> bool:
    together = len(set(clusters([one, two], similarity))) == 1
    assert (repeats([one, two], similarity)[1] is not None) == together
    return together


def letters(count: int, random: Random, edits: int) -> list[str]:
    """Texts of words, every second one the text before it with some words changed."""
    texts: list[str] = []
    while len(texts) < count:
        words = random.choices(WORDS, k=20)
        texts.append(" ".join(words))
        for _ in range(edits):
            words[random.randrange(20)] = random.choice(WORDS)
        texts.append(" ".join(words))
    return texts


def test_a_near_repeat_is_found_and_another_text_is_not() -> None:
    texts = [PARCEL, BOOTS, PARCEL.replace("Monday", "Tuesday")]
    assert clusters(texts, 0.7) == [0, 1, 0]
    first, second, third = repeats(texts, 0.7)
    assert (first, second) == (None, None)
    assert third is not None
    assert third.original == 0
    assert 0.7 <= third.similarity < 1


@pytest.mark.parametrize(
    "other",
    [PARCEL.upper(), f"  {PARCEL}!! ", PARCEL.replace(" ", "\n"), PARCEL.replace(",", " –"), PARCEL.replace(" ", "\0")],
)
def test_case_white_space_and_punctuation_make_no_difference(other: str) -> None:
    assert alike(PARCEL, other)
    assert repeats([PARCEL, other], 1.0) == [None, Repeat(0, 1.0)]


def test_order_numbers_make_no_difference_and_short_numbers_do() -> None:
    assert alike(f"{PARCEL} HF-20418", f"{PARCEL} HF-99999")
    assert alike("12345", "999999")
    assert not alike(f"{PARCEL} Size 41", f"{PARCEL} Size 44")
    assert not alike(f"{PARCEL} Size 1234", f"{PARCEL} Size 123")


@pytest.mark.parametrize(("one", "two"), [("41", "44"), ("٤١", "٤٤"), ("41", "4144"), ("41 and 44", "44 and 45")])
def test_texts_that_differ_in_a_number_are_less_alike_than_texts_that_differ_in_a_word(one: str, two: str) -> None:
    texts = [f"{PARCEL} It holds {each} things." for each in (one, two)]
    [_, repeat] = repeats(texts, 0.5)
    worded = [text.replace(one, "some").replace(two, "most") for text in texts]
    [_, other] = repeats([worded[0], worded[0].replace("some", "many")], 0.5)
    assert repeat is not None
    assert other is not None
    assert repeat.similarity < other.similarity


def test_a_number_counts_the_same_wherever_it_stands() -> None:
    texts = [f"{PARCEL} {' '.join(order)}" for order in (("12 red", "13 blue"), ("13 blue", "12 red"))]
    assert alike(*texts, similarity=0.8)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("", ""),
        ("", " \n"),
        ("a", "A"),
        ("café", "cafe\u0301"),
        ("STRASSE", "straße"),
        ("ｶﾅ", "カナ"),
        ("订单在哪里", "订单，在哪里。".replace("，", "")),
        ("👍", "👍"),
        ("?", " ?"),
        ("\ud800", "\ud800"),
    ],
)
def test_equal_short_texts_are_alike_however_they_are_written(one: str, two: str) -> None:
    assert alike(one, two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("", "a"),
        ("a", "b"),
        ("a", "aa"),
        ("café", "cafe"),
        ("की", "का"),
        ("订单在哪里", "订单在那里"),
        ("👍", "👎"),
        ("?", "!"),
        ("", "?"),
        ("yes", "yes no"),
    ],
)
def test_different_short_texts_are_not_alike(one: str, two: str) -> None:
    assert not alike(one, two, 0.5)


def test_nothing_repeats_in_nothing() -> None:
    assert clusters([], 0.8) == []
    assert repeats([], 0.8) == []


def test_the_similarity_is_that_of_the_shingles() -> None:
    # abcdefgh has the shingles abcde bcdef cdefg defgh, abcdefgx has abcde bcdef cdefg defgx: 3 of 5 are shared.
    assert repeats(["abcdefgh", "abcdefgx"], 0.6) == [None, Repeat(0, 0.6)]
    assert repeats(["abcdefgh", "abcdefgx"], 0.61) == [None, None]


@settings(deadline=None, max_examples=50)
@given(texts=some_texts, similarity=some_similarities)
def test_a_repeat_names_an_earlier_kept_text_that_is_that_similar(texts: list[str], similarity: float) -> None:
    found = repeats(texts, similarity)
    for position, repeat in enumerate(found):
        if repeat is not None:
            assert repeat.original < position
            assert found[repeat.original] is None
            assert repeat.similarity == jaccard(texts[repeat.original], texts[position]) >= similarity


@settings(deadline=None, max_examples=50)
@given(texts=some_texts, similarity=some_similarities)
def test_a_text_is_clustered_with_others_only_where_it_is_that_similar_to_one(
    texts: list[str], similarity: float
) -> None:
    found = clusters(texts, similarity)
    assert found == [sorted(set(found), key=found.index).index(number) for number in found]
    for position, number in enumerate(found):
        others = [other for other, own in enumerate(found) if own == number and other != position]
        assert not others or any(jaccard(texts[position], texts[other]) >= similarity for other in others)


@settings(deadline=None, max_examples=30)
@given(texts=some_texts, kept=st.integers(0, 4))
def test_the_first_ones_are_kept_whatever_they_repeat(texts: list[str], kept: int) -> None:
    found = repeats(texts, 0.6, kept)
    assert found[:kept] == [None] * min(kept, len(texts))
    for position, repeat in enumerate(found):
        if repeat is not None:
            assert found[repeat.original] is None
            assert repeat.similarity == jaccard(texts[repeat.original], texts[position])
        elif position >= kept:
            assert texts[position] not in texts[:position]


@pytest.mark.parametrize(("similarity", "edits"), [(0.5, 6), (0.6, 4), (0.7, 3), (0.8, 2)])
def test_of_a_hundred_similar_pairs_at_most_one_is_missed(similarity: float, edits: int) -> None:
    texts = letters(4000, Random(0), edits)
    similar = [first for first in range(0, 4000, 2) if similarity <= jaccard(texts[first], texts[first + 1])]
    near = [first for first in similar if jaccard(texts[first], texts[first + 1]) < similarity + 0.1]
    found = clusters(texts, similarity)
    named = repeats(texts, similarity)
    assert len(near) > 100
    assert sum(found[first] == found[first + 1] for first in near) >= 0.99 * len(near)
    assert sum(named[first + 1] is not None for first in near) >= 0.99 * len(near)


def test_all_similar_pairs_of_one_template_are_connected() -> None:
    random = Random(0)
    texts = [f"{PARCEL} {' '.join(random.choices(WORDS, k=5))}" for _ in range(300)]
    found = clusters(texts, 0.66)
    similar = [pair for pair in combinations(range(300), 2) if jaccard(*(texts[each] for each in pair)) >= 0.66]
    assert len(similar) > 100
    assert sum(found[one] == found[two] for one, two in similar) >= 0.99 * len(similar)


def test_texts_that_are_all_alike_take_about_as_many_comparisons_as_there_are_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tasks.similarity.shingles import Shingles

    compared: list[int] = []
    alike = Shingles.alike
    monkeypatch.setattr(Shingles, "alike", lambda own, one, *more: compared.append(len(one)) or alike(own, one, *more))
    texts = [f"{PARCEL} {PARCEL.upper()} {WORDS[number % 700]} {WORDS[number // 700]}" for number in range(4000)]
    assert set(clusters(texts, 0.6)) == {0}
    assert sum(compared) < 3 * len(texts)


def test_the_same_is_found_in_another_process() -> None:
    texts = [PARCEL, BOOTS, PARCEL.replace("Monday", "Tuesday"), BOOTS.replace("left", "right")]
    script = f"from tasks.similarity import repeats; print(list(repeats({texts!r}, 0.6)))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env={})
    assert other.stdout.strip() == str(repeats(texts, 0.6))
