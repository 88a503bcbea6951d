from pathlib import Path

import numpy as np
import pytest

from tasks.errors import ModelUnavailable
from tasks.similarity import encoders
from tasks.similarity.encoders import SentenceTransformers, Tfidf

PARCELS = [f"where is my parcel number {number}, it should have come" for number in range(90)]
ZIPS = [f"the zip of my jacket {number} broke, can it be mended" for number in range(90)]


@pytest.mark.parametrize(
    "texts", [["a"], ["one", "two"], ["", ""], ["?", "!"], ["same"] * 300, [""] * 300, PARCELS + ZIPS]
)
def test_vectors_have_length_one_or_are_zero(texts: list[str]) -> None:
    vectors = Tfidf().encode(texts)
    assert len(vectors) == len(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.all(np.isclose(lengths, 1, atol=1e-5) | (lengths == 0))


def test_what_is_said_alike_lies_closer_than_what_is_not() -> None:
    vectors = Tfidf().encode(PARCELS + ZIPS)
    within, across = vectors[:90] @ vectors[:90].T, vectors[:90] @ vectors[90:].T
    assert within.min() > across.max()


def test_the_same_texts_have_the_same_vectors_twice() -> None:
    assert np.array_equal(Tfidf().encode(PARCELS + ZIPS), Tfidf().encode(PARCELS + ZIPS))


def test_the_nearest_text_is_named_with_its_cosine() -> None:
    found = Tfidf().nearest(["where is my parcel", "a question about tents"], ["my zip broke", "where is my parcel"])
    assert found.positions[0] == 1
    assert found.cosines == pytest.approx([1.0, max(found.cosines[1], 0)])
    assert found.cosines[1] < 0.5


def test_the_nearest_of_very_many_is_found_as_the_nearest_of_few_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [f"is the zip of jacket {number} to be mended" for number in range(40)]
    few = Tfidf().nearest(asked, PARCELS + ZIPS)
    monkeypatch.setattr(encoders, "_FEW_PAIRS", 0)
    many = Tfidf().nearest(asked, PARCELS + ZIPS)
    assert min(few.positions) >= len(PARCELS) <= min(many.positions)
    assert all(exact >= found - 1e-6 for exact, found in zip(few.cosines, many.cosines, strict=True))


@pytest.fixture(scope="module")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence encoder of a few thousand random weights, as sentence-transformers saves one."""
    sentence_transformers = pytest.importorskip("sentence_transformers", reason="the extra `encoder` is not installed")
    from tests.tiny import write_tiny_llama

    folder = tmp_path_factory.mktemp("encoder")
    modules = sentence_transformers.sentence_transformer.modules
    words = modules.Transformer(str(write_tiny_llama(folder / "words")))
    words.tokenizer.pad_token = words.tokenizer.pad_token or words.tokenizer.eos_token
    pooling = modules.Pooling(words.get_embedding_dimension())
    sentence_transformers.SentenceTransformer(modules=[words, pooling]).save(str(folder / "encoder"))
    return folder / "encoder"


def test_a_sentence_encoder_is_loaded_from_a_folder(tiny_encoder: Path) -> None:
    encoder = SentenceTransformers(encoder="sentence_transformers", model=str(tiny_encoder))
    vectors = encoder.encode(["where is my parcel", "the zip broke"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert encoder.nearest(["the zip broke"], ["where is my parcel", "the zip broke"]).positions == [1]


def test_an_encoder_that_is_not_there_is_named() -> None:
    pytest.importorskip("sentence_transformers", reason="the extra `encoder` is not installed")
    with pytest.raises(ModelUnavailable, match="nobody/nothing cannot be loaded"):
        SentenceTransformers(encoder="sentence_transformers", model="nobody/nothing").encode(["a"])
