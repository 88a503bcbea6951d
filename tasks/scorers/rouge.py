"""ROUGE: how much of the reference's wording the answer has."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.scorers.overlap import f1, shared
from tasks.scorers.parsing import Score, parts

_WORD = re.compile(r"[^\W_]+")


class Rouge(BaseModel):
    """The F-measure of words, of pairs of words, or of the longest common subsequence of words (Lin 2004).

    It is what the package rouge-score gives without its stemmer, but that letters and digits of every script make
    words, there only a to z and 0 to 9, and that a text which equals the reference has full marks though it has no
    words. A script that puts no space between words wants `chrf`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["rouge"]
    name: str = Field(default="rouge", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")
    variant: Literal["rouge1", "rouge2", "rougeL"] = Field(
        default="rougeL", description="Words, pairs of words, or the longest common subsequence."
    )

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own words, in its order."""
        both = parts(text, reference, self.field)
        if isinstance(both, Score):
            return both
        given, wanted = both
        value = 1.0 if given == wanted else self._f_measure(_words(given), _words(wanted))
        return Score(value, "" if value == 1.0 else f"{self.variant} {value:.2f}")

    def _f_measure(self, given: list[str], wanted: list[str]) -> float:
        match self.variant:
            case "rouge1":
                return f1(shared(given, wanted), len(given), len(wanted))
            case "rouge2":
                return f1(shared(list(pairwise(given)), list(pairwise(wanted))), len(given) - 1, len(wanted) - 1)
            case "rougeL":
                return f1(_longest_common(given, wanted), len(given), len(wanted))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence, a row of the table at once as the bits of a number (Hyyrö 2004)."""
    short, long = sorted((first, second), key=len)
    places: dict[str, int] = {}
    for place, word in enumerate(short):
        places[word] = places.get(word, 0) | 1 << place
    every = (1 << len(short)) - 1
    row = every
    for word in long:
        seen = row & places.get(word, 0)
        row = (row + seen | row - seen) & every
    return len(short) - row.bit_count()
