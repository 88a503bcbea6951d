"""Similarity to the reference, by a sentence encoder."""

import importlib.util
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.errors import ExtraMissing
from tasks.scorers.parsing import Score, parts
from tasks.similarity.encoders import SentenceTransformers

_DIGITS = 6  # what float32 can tell


class Similarity(BaseModel):
    """The cosine of the answer's vector and the reference's, 0 where it is negative.

    Only a sentence encoder will do: what TF-IDF gives a text hangs on the texts beside it. An encoder reads as much of
    a text as it has room for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["similarity"]
    name: str = Field(default="similarity", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")
    encoder: SentenceTransformers = Field(description="The sentence encoder.")

    def check(self) -> None:
        """Raises `ExtraMissing` where what it needs is not installed."""
        if importlib.util.find_spec("sentence_transformers") is None:
            raise ExtraMissing(
                "evaluate: 'sentence_transformers' is not installed. Run: pip install 'stillhouse[encoder]'"
            )

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own text. Raises as `score_all`."""
        return self.score_all([text], [reference])[0]

    def score_all(self, texts: Sequence[str], references: Sequence[str]) -> list[Score]:
        """Each text's marks, in order, all encoded at once, and equal ones once.

        Raises `ExtraMissing` or `ModelUnavailable` where the encoder cannot be loaded.
        """
        read = [parts(text, reference, self.field) for text, reference in zip(texts, references, strict=True)]
        unlike = [both for both in read if not isinstance(both, Score) and both[0] != both[1]]
        places = {text: place for place, text in enumerate(dict.fromkeys(text for both in unlike for text in both))}
        vectors = self.encoder.encode(list(places)) if places else []
        cosines = (float(vectors[places[given]] @ vectors[places[wanted]]) for given, wanted in unlike)
        return [
            both if isinstance(both, Score) else _score(1.0 if both[0] == both[1] else next(cosines)) for both in read
        ]


def _score(cosine: float) -> Score:
    value = round(min(1.0, max(0.0, cosine)), _DIGITS)
    return Score(value, "" if value == 1.0 else f"cosine {cosine:.2f}")
