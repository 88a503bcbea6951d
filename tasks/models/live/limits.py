"""What a service says of its limits: the rate-limit headers of OpenAI, Anthropic and those who speak like them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from time import time
from typing import NamedTuple

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_LONG_SECONDS = 600.0
_LONGEST = 100


class Limit(NamedTuple):
    """A limit a minute, and what of it is left; None where the service does not say."""

    per_minute: float | None = None
    remaining: float | None = None
    resets_seconds: float | None = None


class Limits(NamedTuple):
    """What an answer's headers say: requests, tokens, and how long to wait before the next try."""

    requests: Limit = Limit()
    tokens: Limit = Limit()
    retry_after_seconds: float | None = None


def read_limits(headers: Mapping[str, str]) -> Limits:
    """The limits in an answer's headers, names in lower case; what cannot be read counts as not said."""
    said = {name: value for name, value in headers.items() if "ratelimit" in name or name.startswith("retry-after")}
    if not said:
        return Limits()
    if not any(name.startswith("anthropic-") for name in said):
        openai = "x-ratelimit-{what}-{of}"
        return Limits(_limit(said, openai, "requests"), _limit(said, openai, "tokens"), _retry_after(said))
    anthropic = "anthropic-ratelimit-{of}-{what}"
    tokens = "input-tokens" if "anthropic-ratelimit-input-tokens-limit" in said else "tokens"
    return Limits(_limit(said, anthropic, "requests"), _limit(said, anthropic, tokens), _retry_after(said))


def _limit(said: Mapping[str, str], pattern: str, of: str) -> Limit:
    per_minute, remaining = (_number(said.get(pattern.format(what=what, of=of))) for what in ("limit", "remaining"))
    resets = _wait(said.get(pattern.format(what="reset", of=of)))
    if per_minute is None or per_minute <= 0 or _a_days(per_minute, remaining, resets):
        return Limit()
    return Limit(per_minute, remaining, resets)


def _a_days(limit: float, remaining: float | None, resets: float | None) -> bool:
    """Whether what is used of a limit comes back too slowly for a limit a minute: some headers tell one a day."""
    if remaining is None or resets is None or remaining >= limit:
        return False
    return (resets - 1) / (limit - remaining) * limit > _LONG_SECONDS  # some round up to a second


def _retry_after(said: Mapping[str, str]) -> float | None:
    milliseconds = _number(said.get("retry-after-ms"))
    return _wait(said.get("retry-after")) if milliseconds is None else max(0.0, milliseconds / 1000)


def _number(said: str | None) -> float | None:
    try:
        number = None if said is None else float(said)
    except ValueError:
        return None
    return number if number is None or isfinite(number) else None


def _wait(said: str | None) -> float | None:
    """Seconds from a number of them, a duration as `1m30s`, or a time as RFC 3339 or HTTP write it."""
    if not said or len(said) > _LONGEST:
        return None
    seconds = _number(said)
    if seconds is not None:
        return max(0.0, seconds)
    if parts := _DURATION.findall(said):
        whole = _DURATION.sub("", said).strip() == ""
        return _number(str(sum(float(number) * _UNITS[unit] for number, unit in parts))) if whole else _until(said)
    return _until(said)


def _until(said: str) -> float | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = parse(said)
            return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - time())
        except (LookupError, OverflowError, TypeError, ValueError):
            continue
    return None
