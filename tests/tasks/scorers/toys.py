"""An encoder of bags of words: texts without a word in common are orthogonal."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.scorers import Similarity
from tasks.similarity.vectors import unit


class ToyEncoder:
    """Counts words, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked = list[list[str]]()

    def encode(self, texts: Sequence[str]) -> Any:
        self.asked.append(list(texts))
        bags = [Counter(text.split()) for text in texts]
        words = {word: place for place, word in enumerate(sorted(set().union(*bags)))}
        counts = np.zeros((len(texts), max(1, len(words))))
        for row, bag in enumerate(bags):
            for word, count in bag.items():
                counts[row, words[word]] = count
        return unit(counts)


def similarity(field: str | None = None, encoder: ToyEncoder | None = None) -> Similarity:
    return Similarity.model_construct(
        scorer="similarity", name="similarity", field=field, encoder=encoder or ToyEncoder()
    )
