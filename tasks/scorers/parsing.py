"""What is read out of an answer before it is scored."""

import json
import math
from typing import Any, NamedTuple, NoReturn, cast


class Score(NamedTuple):
    """How good an answer is, from 0 to 1, and what was seen where it is not 1."""

    value: float
    evidence: str = ""


def as_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the whole text is, or None where it is anything else."""
    try:
        value: Any = json.loads(text, parse_constant=refuse_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], value) if isinstance(value, dict) else None


def refuse_constant(constant: str) -> NoReturn:
    """For `json.loads`, which takes NaN and the infinities otherwise. Raises `ValueError`."""
    raise ValueError(f"{constant} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        refuse_constant(digits)
    return number


def part(text: str, field: str | None) -> str | None:
    """The text of one field of an answer, or all of it where no field is named; None where there is no such text."""
    if field is None:
        return text
    value = (as_object(text) or {}).get(field)
    return value if isinstance(value, str) else None
