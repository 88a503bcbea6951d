"""How an answer to a general prompt is checked: by a program, each check a line in `general.jsonl`."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.rules.refusals import refuses
from tasks.rules.said import words_of
from tasks.scorers import as_object
from tasks.scorers.parsing import unfenced

_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?")


class Exact(BaseModel):
    """Passes an answer whose words are those of one of the texts, and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["exact"]
    any: list[str] = Field(min_length=1)

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether the answer is one of them, whatever its case and punctuation."""
        return words_of(answer) in {words_of(text) for text in self.any}


class Says(BaseModel):
    """Passes an answer that says one of the terms as whole words, and none of those that are forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["says"]
    any: list[str] = Field(min_length=1)
    never: list[str] = []

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether one of the terms is said, in any case."""
        said = f" {words_of(answer)} "
        return _holds_one(said, self.any) and not _holds_one(said, self.never)


class Number(BaseModel):
    """Passes an answer that gives this number, and no other that does not stand in the prompt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["number"]
    value: float

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether it is the one number that the answer adds."""
        return _numbers(answer) - _numbers(prompt) == {self.value}


class Pattern(BaseModel):
    """Passes an answer that a regular expression matches from beginning to end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["pattern"]
    pattern: str

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether it matches, line breaks and all."""
        return re.fullmatch(self.pattern, answer.strip(), re.DOTALL) is not None


class Json(BaseModel):
    """Passes an answer that is a JSON object with these keys, in a code fence or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["json"]
    keys: list[str] = Field(min_length=1)

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether it is an object that has just these keys."""
        found = as_object(unfenced(answer.strip()))
        return found is not None and set(found) == set(self.keys)


class Words(BaseModel):
    """Passes an answer of so many words that says one of the terms, where there are any."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["words"]
    at_least: int = 1
    at_most: int
    any: list[str] = []

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether it is as long as was asked for, and on the topic."""
        said = words_of(answer)
        fits = self.at_least <= len(said.split()) <= self.at_most
        return fits and (not self.any or _holds_one(f" {said} ", self.any))


class Refuses(BaseModel):
    """Passes an answer that refuses what was asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: Literal["refuses"]

    def passes(self, prompt: str, answer: str) -> bool:
        """Whether it is a refusal."""
        return refuses(answer)


Check = Annotated[Exact | Says | Number | Pattern | Json | Words | Refuses, Field(discriminator="check")]


def _holds_one(said: str, terms: list[str]) -> bool:
    return any(f" {words_of(term)} " in said for term in terms)


def _numbers(text: str) -> set[float]:
    return {float(found.replace(",", "")) for found in _NUMBER.findall(text)}
