"""Texts as vectors: the closer two are, the more alike are the texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ExtraMissing, ModelUnavailable
from tasks.similarity.vectors import closest, unit

if TYPE_CHECKING:
    from tasks.similarity.vectors import Vectors

_FEATURES, _DIMENSIONS, _FITTED = 2**16, 128, 20_000
_POWERS = 4
_FEW_PAIRS = 5_000_000


class Nearest(NamedTuple):
    """For each text, in order, the position of the text that is most like it, and their cosine similarity."""

    positions: list[int]
    cosines: list[float]


class Tfidf(BaseModel):
    """Runs of three to five letters within words, weighted by how rare they are, in 128 dimensions.

    Latent semantic analysis after Deerwester et al. (1990), of hashed features, so that memory does not grow with the
    vocabulary. It is fitted on the texts themselves, on the first 20,000 where there are more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: Literal["tfidf"] = "tfidf"
    same: ClassVar[float] = 0.85

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Unit vectors, a row a text, float32; zeros for a text without a letter."""
        return _projected(_weighed(texts))

    def nearest(self, texts: Sequence[str], among: Sequence[str]) -> Nearest:
        """What is most like each text by the cosine over all features; of very many pairs found in 128 dimensions."""
        import numpy as np

        weighed = _weighed([*among, *texts])
        if len(texts) * len(among) <= _FEW_PAIRS:
            every = (weighed[len(among) :] @ weighed[: len(among)].T).toarray()
            return Nearest(every.argmax(axis=1).tolist(), every.max(axis=1).tolist())
        vectors = _projected(weighed)
        positions, _ = closest(vectors[len(among) :], vectors[: len(among)])
        cosines = np.asarray(weighed[len(among) :].multiply(weighed[positions]).sum(axis=1)).ravel()
        return Nearest(positions.tolist(), cosines.tolist())


class SentenceTransformers(BaseModel):
    """A sentence encoder by name, from the hub or a folder: closer to meaning than letters are, and slower."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: Literal["sentence_transformers"]
    same: ClassVar[float] = 0.95
    model: str = Field(
        min_length=1, description="owner/name@commit on the hub, or a folder; enters by this name alone."
    )

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Unit vectors, a row a text, float32."""
        return unit(self._loaded().encode(list(texts), show_progress_bar=False))

    def nearest(self, texts: Sequence[str], among: Sequence[str]) -> Nearest:
        """What is most like each text."""
        positions, cosines = closest(self.encode(texts), self.encode(among))
        return Nearest(positions.tolist(), cosines.tolist())

    def _loaded(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ExtraMissing(
                f"the encoder {self.model} needs sentence-transformers: pip install 'stillhouse[encoder]'"
            ) from error
        try:
            name, _, revision = self.model.partition("@")
            return SentenceTransformer(name, revision=revision or None)
        except (OSError, ValueError) as error:
            raise ModelUnavailable(
                f"the encoder {self.model} cannot be loaded: {error}. Name a sentence encoder on the hub, or a folder."
            ) from error


Encoder = Annotated[Tfidf | SentenceTransformers, Field(discriminator="encoder")]


def _weighed(texts: Sequence[str]) -> Any:
    import numpy as np
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    hashed = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(3, 5),
        n_features=_FEATURES,
        norm=None,  # pyright: ignore[reportArgumentType]: documented, and not in the annotation
        alternate_sign=False,
        dtype=np.float32,  # pyright: ignore[reportArgumentType]: as with norm
    ).transform(texts)
    return TfidfTransformer(sublinear_tf=True).fit(hashed[:_FITTED]).transform(hashed)


def _projected(weighed: Any) -> "Vectors":
    """In few dimensions, where there are more texts: those in which texts that share runs of letters vary most."""
    import numpy as np
    from sklearn.utils.extmath import randomized_svd

    few = weighed.shape[0] <= _DIMENSIONS
    weighed = weighed[:, np.flatnonzero((weighed > 0).sum(axis=0) > (0 if few else 1))]
    if few or weighed.shape[1] <= _DIMENSIONS:
        return unit(weighed.toarray())
    directions = randomized_svd(
        weighed[:_FITTED],
        _DIMENSIONS,
        n_iter=_POWERS,  # pyright: ignore[reportArgumentType]: documented, and not in the annotation
        random_state=0,
    )[2]
    return unit(weighed @ directions.T)
