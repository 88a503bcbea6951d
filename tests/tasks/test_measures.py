import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.measures import usage
from tasks.models import Answer
from tasks.rows import Scored
from tasks.systems import scored as as_scored
from tests.tasks.toys import a_kept


def scored(*answers: Answer) -> list[Scored]:
    return [
        as_scored("student", a_kept(f"row-{number}"), "holdout", answer, {}) for number, answer in enumerate(answers)
    ]


@given(st.lists(st.floats(0, 100), min_size=1))
def test_one_request_in_twenty_takes_longer_than_the_95th_percentile(seconds: list[float]) -> None:
    [shown] = usage(scored(*(Answer(seconds=each) for each in seconds)))
    assert shown.seconds_median <= shown.seconds_p95 * (1 + 1e-9)
    assert sum(each > shown.seconds_p95 * (1 + 1e-9) for each in seconds) <= len(seconds) / 20 + 1
    assert min(seconds) <= shown.seconds_p95 * (1 + 1e-9)
    assert shown.seconds_p95 <= max(seconds) * (1 + 1e-9)


def test_a_hundred_even_requests_have_their_95th_percentile_near_the_95th() -> None:
    [shown] = usage(scored(*(Answer(seconds=float(second)) for second in range(101))))
    assert shown.seconds_p95 == pytest.approx(95.0)


def test_what_the_cache_gave_and_what_was_cut_off_is_counted() -> None:
    cut = Answer(finish_reason="length", input_tokens=100, cached_tokens=80, cache_write_tokens=10)
    [shown] = usage(scored(cut, Answer(finish_reason="stop", input_tokens=100)))
    assert (shown.input_tokens, shown.cached_tokens, shown.cache_write_tokens) == (100.0, 40.0, 5.0)
    assert shown.cut_off == 1
