"""What is read out of an answer before it is scored."""

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn, cast


class Score(NamedTuple):
    """How good an answer is, from 0 to 1, and what was seen where it is not 1."""

    value: float
    evidence: str = ""


def as_object(text: str, each_key_once: bool = False) -> dict[str, Any] | None:
    """The JSON object that the whole text is, or None where it is anything else.

    Of a key that stands twice the last value counts; with `each_key_once` there is no such object.
    """
    value = _read(text, _each_once if each_key_once else None)
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def as_list(text: str) -> list[Any] | None:
    """The JSON array that the whole text is, or None where it is anything else."""
    value = _read(text)
    return cast(list[Any], value) if isinstance(value, list) else None


def unfenced(text: str) -> str:
    """What stands in the code fence that the whole text is, or the text itself where it is none."""
    opening, _, rest = text.strip().partition("\n")
    language = opening.removeprefix("```").strip().replace("-", "")
    fence = opening.startswith("```") and rest.endswith("```") and (not language or language.isalnum())
    return rest.removesuffix("```") if fence else text


def refuse_constant(constant: str) -> NoReturn:
    """For `json.loads`, which takes NaN and the infinities otherwise. Raises `ValueError`."""
    raise ValueError(f"{constant} is no JSON")


def _read(text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The JSON value that the whole text is; None where there is none, or it is no text that can be written."""
    try:
        value: Any = json.loads(text, parse_constant=refuse_constant, parse_float=_finite, object_pairs_hook=pairs)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        refuse_constant(digits)
    return number


def part(text: str, field: str | None) -> str | None:
    """The text of one field of an answer, or all of it where no field is named; None where there is no such text."""
    if field is None:
        return text
    value = value_of(text, field)
    return value if isinstance(value, str) else None


def parts(text: str, reference: str, field: str | None) -> tuple[str, str] | Score:
    """The same part of an answer and of its reference; no marks where one of them lacks it."""
    given, wanted = part(text, field), part(reference, field)
    if given is None:
        return Score(0.0, f"no text in `{field}`")
    return Score(0.0, f"the reference has no text in `{field}`") if wanted is None else (given, wanted)


def value_of(text: str, field: str) -> Any:
    """What the JSON object that the whole text is holds in a field; None where it holds nothing."""
    return (as_object(text) or {}).get(field)
