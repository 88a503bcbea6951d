import math
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.models.live.limits import Limit, Limits, read_limits

NAMES = [
    "retry-after",
    "retry-after-ms",
    *(f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")),
    *(
        f"anthropic-ratelimit-{of}-{what}"
        for what in ("limit", "remaining", "reset")
        for of in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
]
WORDS = st.one_of(
    st.text(),
    st.from_regex(r"\d{1,400}(\.\d+)?(ms|s|m|h|d)?", fullmatch=True),
    st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)?", fullmatch=True),
    st.from_regex(r"[A-Z][a-z]{2}, \d{1,4} (Jan|Dec) \d{1,9} \d\d:\d\d:\d\d ([+-]\d{1,20}|GMT)?", fullmatch=True),
    st.floats().map(str),
    st.datetimes().map(lambda when: format_datetime(when)),
)


@given(st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text()), WORDS))
@example({"retry-after": "0001-01-01T00:00:00+14:00"})
@example({"retry-after": "Thu, 1 Jan 2026 00:00:00 +99999999999999999999"})
@example({"retry-after": "9" * 5000})
def test_headers_of_any_kind_are_read_or_count_as_not_said(headers: dict[str, str]) -> None:
    limits = read_limits(headers)
    said = [*limits.requests, *limits.tokens, limits.retry_after_seconds]
    assert all(number is None or -math.inf < number < math.inf for number in said if number is not None)
    assert limits.retry_after_seconds is None or limits.retry_after_seconds >= 0
    assert all(limit.per_minute is None or limit.per_minute > 0 for limit in (limits.requests, limits.tokens))


def test_openais_headers_tell_both_limits() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "29000",
        "x-ratelimit-reset-tokens": "2s",
        "content-type": "application/json",
    }
    assert read_limits(headers) == Limits(Limit(500, 499, 0.12), Limit(30_000, 29_000, 2))


def test_anthropics_headers_tell_requests_and_input_tokens() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers = {
        f"anthropic-ratelimit-{of}-{what}": value
        for of, limit in (("requests", "50"), ("tokens", "70000"), ("input-tokens", "50000"))
        for what, value in (("limit", limit), ("remaining", "10"), ("reset", soon))
    }
    limits = read_limits(headers)
    assert limits.requests[:2] == (50, 10)
    assert limits.tokens[:2] == (50_000, 10)
    assert limits.requests.resets_seconds == pytest.approx(2.5, abs=1)


def test_anthropics_headers_may_tell_tokens_alone() -> None:
    assert read_limits({"anthropic-ratelimit-tokens-limit": "40000"}).tokens.per_minute == 40_000
    assert read_limits({"anthropic-ratelimit-input-tokens-limit": "30000"}).tokens.per_minute == 30_000


@pytest.mark.parametrize(
    ("limit", "remaining", "reset"),
    [
        ("14400", "14370", "2m59.56s"),  # Groq's requests
        ("10000", "9999", "8.64s"),  # OpenAI's where requests a day are fewer than those a minute would be
        ("200", "199", "7m12s"),
    ],
)
def test_a_limit_a_day_is_not_taken_for_one_a_minute(limit: str, remaining: str, reset: str) -> None:
    said = {"limit": limit, "remaining": remaining, "reset": reset}
    assert read_limits({f"x-ratelimit-{what}-requests": value for what, value in said.items()}) == Limits()


@pytest.mark.parametrize(
    ("limit", "remaining", "reset"),
    [("500", "499", "120ms"), ("500", "0", "60s"), ("30000", "29999", "2ms"), ("4000", "3999", "1s"), ("6", "6", "0s")],
)
def test_a_limit_a_minute_is_taken_for_one(limit: str, remaining: str, reset: str) -> None:
    said = {"limit": limit, "remaining": remaining, "reset": reset}
    limits = read_limits({f"x-ratelimit-{what}-requests": value for what, value in said.items()})
    assert limits.requests.per_minute == float(limit)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0.25", 0.25),
        ("-3", 0.0),
        ("20ms", 0.02),
        ("1m30s", 90.0),
        ("6m0s", 360.0),
        ("1h2m3.5s", 3723.5),
        ("", None),
        ("soon", None),
        ("7 apples", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400 + "s", None),
    ],
)
def test_a_wait_is_read_as_seconds_or_a_duration(said: str, seconds: float | None) -> None:
    assert read_limits({"retry-after": said}).retry_after_seconds == seconds


@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_a_wait_is_read_as_a_time_in_rfc_3339(zone: str) -> None:
    said = datetime.fromtimestamp(time.time() + 90, UTC).strftime("%Y-%m-%dT%H:%M:%S") + zone
    assert read_limits({"retry-after": said}).retry_after_seconds == pytest.approx(90, abs=2)


@pytest.mark.parametrize("usegmt", [True, False])
def test_a_wait_is_read_as_a_date_in_http(usegmt: bool) -> None:
    said = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=usegmt)
    assert read_limits({"retry-after": said}).retry_after_seconds == pytest.approx(90, abs=2)


def test_a_time_that_is_over_is_no_wait() -> None:
    assert read_limits({"retry-after": "Thu, 01 Jan 2015 00:00:00 GMT"}).retry_after_seconds == 0
    assert read_limits({"retry-after": "2015-01-01T00:00:00Z"}).retry_after_seconds == 0


def test_milliseconds_are_more_exact_than_seconds() -> None:
    assert read_limits({"retry-after-ms": "1250", "retry-after": "2"}).retry_after_seconds == 1.25
    assert read_limits({"retry-after-ms": "soon", "retry-after": "2"}).retry_after_seconds == 2


def test_without_headers_nothing_is_said() -> None:
    assert read_limits({}) == read_limits({"content-type": "text/html"}) == Limits()
