"""What a service says of its limits: the rate-limit headers of OpenAI, Anthropic and those who speak like them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


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
    if not headers:
        return Limits()
    openai, anthropic = "x-ratelimit-{what}-{of}", "anthropic-ratelimit-{of}-{what}"
    if "anthropic-ratelimit-requests-limit" in headers:
        tokens = "input-tokens" if "anthropic-ratelimit-input-tokens-limit" in headers else "tokens"
        return Limits(_limit(headers, anthropic, "requests"), _limit(headers, anthropic, tokens), _retry_after(headers))
    return Limits(_limit(headers, openai, "requests"), _limit(headers, openai, "tokens"), _retry_after(headers))


def _limit(headers: Mapping[str, str], pattern: str, of: str) -> Limit:
    per_minute, remaining = (_number(headers.get(pattern.format(what=what, of=of))) for what in ("limit", "remaining"))
    if per_minute is None or per_minute <= 0:
        return Limit()
    return Limit(per_minute, remaining, _wait(headers.get(pattern.format(what="reset", of=of))))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    said = headers.get("retry-after")
    return None if said is None else _wait(said)


def _number(said: str | None) -> float | None:
    try:
        return None if said is None else float(said)
    except ValueError:
        return None


def _wait(said: str | None) -> float | None:
    """Seconds from a number of them, a duration as `1m30s`, or a time as RFC 3339 or HTTP write it."""
    if said is None:
        return None
    seconds = _number(said)
    if seconds is not None:
        return max(0.0, seconds)
    if _DURATION.sub("", said.strip()) == "":
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(said))
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = parse(said)
        except ValueError:
            continue
        return max(0.0, (when.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    return None
