"""How an answer is judged: one file a scorer, config and scorer in one. No Prefect in here.

A scorer has a `name`, which is its metric's, and `score(text, reference)`, which gives a `Score` from 0 to 1; one that
is better asked about many answers at once has `score_all(texts, references)` too, and `marks` asks each as it wants.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from tasks.scorers.chrf import Chrf
from tasks.scorers.exact import Exact
from tasks.scorers.fields import Fields
from tasks.scorers.labels import NO_LABEL, Labels
from tasks.scorers.length import Length
from tasks.scorers.number import Number
from tasks.scorers.parsing import Score, as_object
from tasks.scorers.pattern import Pattern
from tasks.scorers.rouge import Rouge
from tasks.scorers.schema import Schema
from tasks.scorers.set_f1 import SetF1
from tasks.scorers.similarity import Similarity
from tasks.scorers.terms import Terms
from tasks.scorers.token_f1 import TokenF1

StandardScorer = Annotated[Length | Pattern | Schema | Terms, Field(discriminator="scorer")]
"""Scorers that need no reference."""

Scorer = Annotated[
    Exact | Labels | Fields | SetF1 | Number | TokenF1 | Rouge | Chrf | Similarity | Length | Pattern | Schema | Terms,
    Field(discriminator="scorer"),
]


def marks(scorer: Scorer, texts: Sequence[str], references: Sequence[str]) -> list[Score]:
    """Each text's score against its reference, in order. Raises as the scorer does."""
    if isinstance(scorer, Pattern | Similarity):
        return scorer.score_all(texts, references)
    return [scorer.score(text, reference) for text, reference in zip(texts, references, strict=True)]


__all__ = [
    "NO_LABEL",
    "Chrf",
    "Exact",
    "Fields",
    "Labels",
    "Length",
    "Number",
    "Pattern",
    "Rouge",
    "Schema",
    "Score",
    "Scorer",
    "SetF1",
    "Similarity",
    "StandardScorer",
    "Terms",
    "TokenF1",
    "as_object",
    "marks",
]
