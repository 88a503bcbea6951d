import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tasks.evidence import FailureMode
from tasks.failure_modes.collapse import WAYS_ALIKE, Collapse
from tasks.rows import Kept
from tests.tasks.failure_modes.students import Says, answer, shown, teacher

MODE = Collapse()
LABELS = ("refund", "exchange", "order_status", "complaint")


def examined(student: Says, other: Says = teacher) -> FailureMode:
    return MODE.examine(shown(student, other=other))


def alike(found: FailureMode) -> dict[str, float]:
    return {each.metric.removeprefix("alike_"): each.mean for each in found.differences}


def number(row: Kept) -> int:
    return int(row["id"].rpartition("-")[2])


def test_a_constant_fires() -> None:
    found = examined(lambda row: answer("refund", "Thank you for your letter, we are on it. Fern"))
    assert found.fires == "yes"
    assert alike(found)["whole"] == pytest.approx(1.0, abs=0.05)
    assert found.examples == ["120 × " + answer("refund", "Thank you for your letter, we are on it. Fern")]


def test_a_constant_label_fires_where_the_teacher_tells_labels_apart() -> None:
    assert examined(lambda row: "refund", other=lambda row: LABELS[number(row) % 4]).fires == "yes"


def test_labels_as_the_teacher_gives_them_are_quiet() -> None:
    def labels(row: Kept) -> str:
        return LABELS[number(row) % 4]

    found = examined(labels, other=labels)
    assert found.fires == "no"
    assert set(alike(found).values()) == {0.0}


def test_the_teacher_is_no_collapse_of_itself_even_where_it_says_one_thing() -> None:
    assert examined(teacher).fires == "no"
    assert examined(lambda row: "Yes.", other=lambda row: "Yes.").fires == "no"


def test_one_template_with_a_slot_fires_by_its_words() -> None:
    found = examined(lambda row: answer("refund", f"Thank you for your kind letter about {row['id']}, we are on it."))
    assert found.fires == "yes"
    assert alike(found)["whole"] <= 0 < MODE.threshold < alike(found)["self_bleu"]


def test_one_shape_fires_where_the_teacher_has_many() -> None:
    def plain(row: Kept) -> str:
        return f"{row['id']} goes {number(row) * 31 % 97} there {number(row) * 17 % 89}"

    def varied(row: Kept) -> str:
        return [plain(row), f"- {plain(row)}\n- done", f"# {plain(row)}", f"**{plain(row)}**!"][number(row) % 4]

    found = examined(plain, other=varied)
    assert found.fires == "yes"
    assert alike(found)["shape"] > 0.5


def test_its_interval_covers_and_a_student_at_the_threshold_seldom_fires() -> None:
    """Labels of which 0.52 of the pairs agree, beside a teacher's of which 0.25 do."""
    found: list[FailureMode] = []
    for seed in range(100):
        lot = random.Random(seed)
        said = {f"held-{at}": lot.choices(LABELS, [0.7, 0.1, 0.1, 0.1])[0] for at in range(60)}
        taught = {id: lot.choice(LABELS) for id in said}
        seen = shown(
            lambda row, said=said: said[row["id"]],
            held=60,
            unseen=0,
            other=lambda row, taught=taught: taught[row["id"]],
        )
        found.append(Collapse(threshold=0.27).examine(seen))
    whole = [each for mode in found for each in mode.differences if each.metric == "alike_whole"]
    assert sum(each.low <= 0.27 <= each.high for each in whole) >= 0.9 * len(whole)
    assert sum(each.low > 0.27 for each in whole) <= 0.05 * len(whole)


def test_rows_that_failed_are_left_to_the_scores() -> None:
    seen = shown(teacher)
    for each in seen._scored.values():
        each["error"] = "down" if each["system"] == "student" else ""
    found = MODE.examine(seen)
    assert (found.fires, found.measured) == ("no", False)


TEXTS = some.lists(some.text(alphabet="ab \n-", max_size=12), min_size=2, max_size=12)


@given(TEXTS)
@pytest.mark.parametrize("name", WAYS_ALIKE)
def test_likeness_is_a_share_of_each_answer_whatever_the_order(name: str, texts: list[str]) -> None:
    found = WAYS_ALIKE[name](texts)
    assert len(found) == len(texts)
    assert all(0 <= each <= 1 + 1e-9 for each in found)
    assert WAYS_ALIKE[name](texts[::-1])[::-1] == pytest.approx(found)


@pytest.mark.parametrize("name", WAYS_ALIKE)
def test_equal_answers_are_all_alike_and_strangers_share_no_words(name: str) -> None:
    assert WAYS_ALIKE[name](["the tent is on its way"] * 5) == pytest.approx([1.0] * 5)
    strangers = ["one two three four five", "six seven", "- eight nine ten\n- eleven"]
    assert WAYS_ALIKE[name](strangers) == [0.0] * 3 or name == "shape"


def test_self_bleu_is_bleu_with_the_others_as_references() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    texts = ["the tent is on its way to you today", "your tent is on its way to the shop", "a stove and two poles"]
    own = WAYS_ALIKE["self_bleu"](texts)
    bleu = sacrebleu.metrics.BLEU(effective_order=True, smooth_method="none")
    for at, text in enumerate(texts[:2]):
        others = [each for each in texts if each != text]
        assert own[at] == pytest.approx(bleu.sentence_score(text, others).score / 100, abs=1e-6)
