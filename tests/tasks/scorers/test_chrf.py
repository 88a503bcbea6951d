import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu import sentence_chrf

from tasks.errors import ExtraMissing
from tasks.scorers import Chrf

PLAIN = Chrf(scorer="chrf")
PLUS = Chrf(scorer="chrf", variant="chrf++")
texts = st.text(max_size=30) | st.lists(st.sampled_from(["tent", "tents,", "stove", "(red)"]), max_size=6).map(" ".join)


@given(text=texts, reference=texts)
def test_it_is_what_sacrebleu_gives(text: str, reference: str) -> None:
    for scorer, word_order in ((PLAIN, 0), (PLUS, 2)):
        wanted = 1.0 if text == reference else sentence_chrf(text, [reference], word_order=word_order).score / 100
        assert scorer.score(text, reference).value == pytest.approx(wanted, abs=1e-12)


def test_white_space_does_not_count() -> None:
    assert PLAIN.score("re d\ntent", "red tent") == (1.0, "")


def test_the_value_is_shown() -> None:
    assert PLAIN.score("red tent", "red cap").evidence.startswith("chrf 0.")


def test_the_extra_that_it_needs_is_named_where_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    PLAIN.check()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ExtraMissing, match=r"pip install 'stillhouse\[chrf\]'"):
        Chrf(scorer="chrf").score("red", "blue")
