import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.rules import Candidate, Drop, NearDuplicate, conversation, near_duplicates
from tasks.rules.near_duplicate import Pair
from tests.tasks.toys import an_output

RULE = NearDuplicate(rule="near_duplicate")
PARCEL = "Hello, my parcel has not come yet although it was sent last Monday. Where is it now?"
BOOTS = "The sole of my left boot came off on the second walk. Can you mend it, please?"


def candidate(id: str, said: str, approved: bool = False) -> Candidate:
    return Candidate(an_output(id, "{}", said), "{}", approved)


def dropped(candidates: list[Candidate]) -> dict[str, str]:
    verdicts = zip(candidates, RULE.judge(candidates), strict=True)
    return {each.row["id"]: verdict.evidence for each, verdict in verdicts if isinstance(verdict, Drop)}


def test_a_near_repeat_is_found_and_another_text_is_not() -> None:
    pairs = list(near_duplicates([PARCEL, BOOTS, PARCEL.replace("Monday", "Tuesday")], 0.7))
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 2)]
    assert 0.7 <= pairs[0].similarity < 1


@pytest.mark.parametrize(
    "other",
    [PARCEL.upper(), f"  {PARCEL}!! ", PARCEL.replace(" ", "\n"), PARCEL.replace(",", " –")],
)
def test_case_white_space_and_punctuation_make_no_difference(other: str) -> None:
    assert list(near_duplicates([PARCEL, other], 1.0)) == [Pair(0, 1, 1.0)]


def test_order_numbers_make_no_difference_and_short_numbers_do() -> None:
    assert list(near_duplicates([f"{PARCEL} HF-20418", f"{PARCEL} HF-99999"], 1.0)) == [Pair(0, 1, 1.0)]
    assert list(near_duplicates([f"{PARCEL} Size 41", f"{PARCEL} Size 44"], 1.0)) == []


def test_the_similarity_is_that_of_the_shingles() -> None:
    # abcdefgh has the shingles abcde bcdef cdefg defgh, abcdefgx has abcde bcdef cdefg defgx: 3 of 5 are shared.
    assert list(near_duplicates(["abcdefgh", "abcdefgx"], 0.6)) == [Pair(0, 1, 0.6)]
    assert list(near_duplicates(["abcdefgh", "abcdefgx"], 0.61)) == []


def test_nothing_repeats_in_nothing() -> None:
    assert list(near_duplicates([], 0.8)) == []
    assert list(near_duplicates(["", PARCEL], 0.8)) == []


def shingles(text: str) -> set[str]:
    return {text[start : start + 5] for start in range(max(1, len(text) - 4))}


@settings(deadline=None, max_examples=50)
@given(
    texts=st.lists(st.text(alphabet="ab", min_size=5, max_size=14), max_size=12),
    similarity=st.sampled_from([0.3, 0.6, 1.0]),
)
def test_no_pair_is_found_that_is_less_similar(texts: list[str], similarity: float) -> None:
    for pair in near_duplicates(texts, similarity):
        assert pair.first < pair.second
        one, two = shingles(texts[pair.first]), shingles(texts[pair.second])
        assert pair.similarity == len(one & two) / len(one | two) >= similarity


def test_nearly_every_similar_pair_is_found() -> None:
    words = [f"word{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(400)]
    texts = [" ".join(words[start : start + 20]) for start in range(0, 380, 1)]
    similar = {(first, first + 1) for first in range(len(texts) - 1)}
    found = {(pair.first, pair.second) for pair in near_duplicates(texts, 0.8)}
    assert len(similar & found) >= 0.98 * len(similar)


def test_the_same_pairs_are_found_in_another_process() -> None:
    texts = [PARCEL, BOOTS, PARCEL.replace("Monday", "Tuesday"), BOOTS.replace("left", "right")]
    script = f"from tasks.rules import near_duplicates; print(list(near_duplicates({texts!r}, 0.6)))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env={})
    assert other.stdout.strip() == str(list(near_duplicates(texts, 0.6)))


def test_the_earlier_row_is_kept_and_the_later_names_it() -> None:
    assert dropped([candidate("one", PARCEL), candidate("two", BOOTS), candidate("three", PARCEL)]) == {
        "three": "repeats one (similarity 1.00)"
    }


def test_an_approved_row_is_kept_before_an_earlier_one() -> None:
    assert dropped([candidate("one", PARCEL), candidate("two", PARCEL, approved=True)]) == {
        "one": "repeats two (similarity 1.00)"
    }


def test_approved_rows_that_repeat_each_other_are_all_kept() -> None:
    assert dropped([candidate("one", PARCEL, approved=True), candidate("two", PARCEL, approved=True)]) == {}


@settings(deadline=None, max_examples=50)
@given(drawn=st.lists(st.tuples(st.sampled_from([PARCEL, BOOTS, "Do you open on Sundays?"]), st.booleans())))
def test_of_rows_that_repeat_each_other_one_is_kept_and_no_two_unapproved(drawn: list[tuple[str, bool]]) -> None:
    candidates = [candidate(f"row-{number}", *each) for number, each in enumerate(drawn)]
    lost = dropped(candidates)
    kept = [each for each in candidates if each.row["id"] not in lost]
    assert {conversation(each.row) for each in kept} == {text for text, _ in drawn}
    unapproved = [conversation(each.row) for each in kept if not each.approved]
    assert len(unapproved) == len(set(unapproved))
    assert not any(each.approved for each in candidates if each.row["id"] in lost)
