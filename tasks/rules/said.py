"""What an answer says, so that answers can be counted, and what of it is prose."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tasks.artifacts import canonical
from tasks.errors import ProjectError
from tasks.scorers import as_object

_SHOWN = 200
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def words_of(text: str) -> str:
    """A text's words and numbers alone, in one case, a space between each."""
    return _BETWEEN_WORDS.sub(" ", text.casefold()).strip()


def said(text: str, fields: Sequence[str]) -> str:
    """The named fields of an answer's JSON object, or the whole answer, in one form whatever its spaces and order."""
    given = as_object(text)
    if given is None or any(field not in given for field in fields):
        return " ".join(text.split())
    return canonical([given[field] for field in fields] if fields else given)


def check_fields(rule: str, fields: Sequence[str], texts: Iterable[str]) -> None:
    """Raises `ProjectError` where no answer's JSON object has a field, and there are answers."""
    found = [as_object(text) for text in texts] if fields else []
    known = {field for given in found if given is not None for field in given}
    unknown = [field for field in fields if field not in known]
    if found and unknown:
        there = f"their fields are {', '.join(sorted(known))[:_SHOWN]}" if known else "none is a JSON object"
        raise ProjectError(
            f"filter.rules: {rule}: fields: no answer has {', '.join(unknown)}; {there}. Name fields that they have."
        )


def counted(votes: Counter[str]) -> str:
    """Votes in words, the most frequent answer first."""
    return " | ".join(f"{count} × {answer[:80]}" for answer, count in votes.most_common())[:200]


def leaves(text: str) -> list[Any] | None:
    """Every value in an answer's JSON object that holds no others, in order, or None where it is no JSON object."""
    given = as_object(text)
    return None if given is None else list(_leaves(given))


def prose(text: str) -> str:
    """What a reader reads of an answer: all of it, or, of a JSON object, the texts of several words."""
    values = leaves(text)
    if values is None:
        return text
    return " ".join(value for value in values if isinstance(value, str) and len(value.split()) > 1)


def _leaves(given: Any) -> Iterator[Any]:
    waiting: list[Any] = [given]
    while waiting:
        match waiting.pop():
            case dict() as fields:
                waiting.extend(reversed(list(fields.values())))
            case list() as values:
                waiting.extend(reversed(values))
            case leaf:
                yield leaf
