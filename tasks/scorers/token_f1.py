"""F1 of tokens, as SQuAD takes it."""

import re
import string
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.scorers.overlap import f1, shared
from tasks.scorers.parsing import Score, parts

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TokenF1(BaseModel):
    """The F1 of the answer's tokens against the reference's, a token counting as often as it stands in both.

    Tokens, and two texts without any, are as in SQuAD's evaluation script (Rajpurkar et al. 2016; version 2.0).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["token_f1"]
    name: str = Field(default="token_f1", description="The metric's name.")
    field: str | None = Field(default=None, description="The field that holds the text; else the whole answer.")

    def score(self, text: str, reference: str) -> Score:
        """Full marks for the reference's own tokens, in whatever order."""
        both = parts(text, reference, self.field)
        if isinstance(both, Score):
            return both
        given, wanted = map(squad_tokens, both)
        if sorted(given) == sorted(wanted):
            return Score(1.0)
        same = shared(given, wanted)
        return Score(f1(same, len(given), len(wanted)), f"{same} shared of {len(given)} tokens and {len(wanted)}")


def squad_tokens(text: str) -> list[str]:
    """What stands between white space once case, ASCII punctuation and English articles are left out."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()
