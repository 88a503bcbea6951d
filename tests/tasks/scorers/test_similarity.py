import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.errors import ExtraMissing
from tasks.scorers import Scorer, Similarity
from tests.tasks.scorers.toys import ToyEncoder, similarity


def test_the_value_is_the_cosine() -> None:
    [score] = similarity().score_all(["red tent"], ["red cap"])
    assert score.value == pytest.approx(0.5, abs=1e-6)
    assert score.evidence == "cosine 0.50"


def test_a_negative_cosine_is_no_marks() -> None:
    class Opposed(ToyEncoder):
        def encode(self, texts: object) -> object:
            return super().encode(["a", "a"]) * [[1], [-1]]

    assert similarity(encoder=Opposed()).score("yes", "no") == (0.0, "cosine -1.00")


def test_all_are_encoded_at_once_and_equal_texts_once_or_not_at_all() -> None:
    encoder = ToyEncoder()
    scores = similarity(encoder=encoder).score_all(["a b", "a b", "same", ""], ["a c", "a d", "same", ""])
    assert encoder.asked == [["a b", "a c", "a d"]]
    assert [score.value for score in scores] == pytest.approx([0.5, 0.5, 1.0, 1.0], abs=1e-6)


def test_a_field_is_encoded_and_what_lacks_it_is_not() -> None:
    encoder = ToyEncoder()
    scorer = similarity("reply", encoder)
    texts = ['{"reply": "red tent"}', "red tent", '{"reply": "a"}']
    scores = scorer.score_all(texts, ['{"reply": "red cap"}', texts[0], "a"])
    assert [score.evidence for score in scores] == [
        "cosine 0.50",
        "no text in `reply`",
        "the reference has no text in `reply`",
    ]
    assert encoder.asked == [["red tent", "red cap"]]


def test_only_a_sentence_encoder_will_do() -> None:
    adapter = TypeAdapter[Similarity](Scorer)
    sentences = {"encoder": "sentence_transformers", "model": "owner/name@commit"}
    assert adapter.validate_python({"scorer": "similarity", "encoder": sentences}).encoder.model == "owner/name@commit"
    with pytest.raises(ValidationError, match="tfidf"):
        adapter.validate_python({"scorer": "similarity", "encoder": {"encoder": "tfidf"}})


def test_the_extra_that_it_needs_is_named_where_it_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ExtraMissing, match=r"pip install 'stillhouse\[encoder\]'"):
        similarity().check()
