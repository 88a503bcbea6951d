"""Answers in a language that nobody asked for."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.rows import conversation
from tasks.rules.said import prose
from tasks.rules.verdict import Candidate, Drop, Keep, Verdict

_NOT_PROSE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\bhttps?://\S+|\S+@\S+", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]+")
_READ_CHARACTERS = 500
_FEWEST_BYTES = 30  # of letters in UTF-8: five or six words in Latin letters, ten characters of Chinese
_SURE = 0.9
_USUAL = 0.1
_KIN = [
    {"da", "nb", "nn", "no"},
    {"bs", "hr", "sr"},
    {"id", "ms"},
    {"cs", "sk"},
    {"gl", "pt"},
    {"af", "nl"},
    {"hi", "mr"},
    {"wuu", "yue", "zh"},
]


class Language(BaseModel):
    """Drops answers, as `wrong_language`, whose language is clear and is neither usual nor that of their conversation.

    What is short, a name, a number, code or a JSON label has no clear language and is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Literal["language"]
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = Field(
        default=[], description="ISO 639-1 codes; where empty, each language that a tenth of the answers are in."
    )

    @model_validator(mode="after")
    def _known(self) -> "Language":
        unknown = set(self.languages) - _with_kin(set(_identifier().nb_classes)) if self.languages else set[str]()
        if unknown:
            raise ValueError(
                f"languages: {', '.join(sorted(unknown))} is no language that can be told; there are "
                f"{' '.join(sorted(_identifier().nb_classes))}"
            )
        return self

    def judge(self, candidates: Sequence[Candidate]) -> Iterable[Verdict]:
        """A verdict for each candidate, in order."""
        spoken = [clear_language(prose(candidate.text)) for candidate in candidates]
        usual = set(self.languages) or _usual(spoken)
        for candidate, language in zip(candidates, spoken, strict=True):
            yield Keep() if language is None else self._verdict(candidate, language, usual)

    def _verdict(self, candidate: Candidate, language: str, usual: set[str]) -> Verdict:
        if language in _with_kin(usual):
            return Keep()
        asked = None if self.languages else clear_language(conversation(candidate.row))
        if asked and language in _with_kin({asked}):
            return Keep()
        expected = ", ".join(sorted(usual | {asked or ""} - {""}))
        return Drop("wrong_language", f"{language}, not {expected}: {candidate.text[:120]}")


def clear_language(text: str) -> str | None:
    """The ISO 639-1 code of the language that a text is in, or None where that is not clear."""
    read = _NOT_PROSE.sub(" ", text[: 4 * _READ_CHARACTERS])[:_READ_CHARACTERS]
    if sum(len(word.encode(errors="replace")) for word in _LETTERS.findall(read)) < _FEWEST_BYTES:
        return None
    ranked: list[tuple[str, float]] = _identifier().rank(read)[:5]
    kin = _with_kin({ranked[0][0]})
    return ranked[0][0] if sum(probability for language, probability in ranked if language in kin) >= _SURE else None


def _usual(spoken: Sequence[str | None]) -> set[str]:
    counted = Counter(language for language in spoken if language)
    return {language for language, rows in counted.items() if rows >= _USUAL * counted.total()}


def _with_kin(languages: set[str]) -> set[str]:
    """With those that are easily taken for one of them."""
    return languages.union(*(kin for kin in _KIN if kin & languages))


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
