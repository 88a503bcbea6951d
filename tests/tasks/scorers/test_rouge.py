import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from tasks.scorers import Rouge

VARIANTS = ["rouge1", "rouge2", "rougeL"]
words = st.lists(st.sampled_from(["the", "cat", "Sat", "on", "mat.", "-", "it's", "7"]), max_size=12).map(" ".join)
ascii_texts = words | st.text(alphabet=st.characters(max_codepoint=127), max_size=40)
theirs = RougeScorer(VARIANTS)


def rouge(variant: str) -> Rouge:
    return Rouge.model_validate({"scorer": "rouge", "variant": variant})


@pytest.mark.parametrize("variant", VARIANTS)
@given(text=ascii_texts, reference=ascii_texts)
def test_it_is_what_rouge_score_gives_for_ascii(variant: str, text: str, reference: str) -> None:
    wanted = 1.0 if text == reference else theirs.score(reference, text)[variant].fmeasure
    assert rouge(variant).score(text, reference).value == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("text", ["Где моя посылка?", "Wo ist mein Päckchen?", "我的包裹在哪里", "?!", ""])
def test_every_script_has_words_and_the_reference_full_marks(text: str) -> None:
    for variant in VARIANTS:
        assert rouge(variant).score(text, text) == (1.0, "")
    assert rouge("rouge1").score(text, "nothing of it").value == 0.0


def test_words_of_other_scripts_count_whole() -> None:
    assert rouge("rouge1").score("für dich", "für uns").value == pytest.approx(0.5)


def test_two_long_texts_take_no_table() -> None:
    long = "the cat sat on the mat and looked at it " * 2_000
    assert rouge("rougeL").score(long, long.replace("mat", "rug")).value == pytest.approx(0.9)


def test_the_variant_is_shown_with_its_value() -> None:
    assert rouge("rougeL").score("the cat", "the dog") == (0.5, "rougeL 0.50")
