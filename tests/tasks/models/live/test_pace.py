import math
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.models.live.limits import Limit, Limits
from tasks.models.live.pace import Bucket, Found, Gate, Pace
from tests.tasks.models.live.simulated import Outcome, Server, ask

ASKS = st.lists(st.tuples(st.floats(0.01, 50), st.floats(0, 30)), max_size=60)


@given(st.floats(0.5, 100_000), st.floats(0, 20), ASKS)
def test_a_bucket_lets_through_no_more_than_its_rate_and_one_burst(
    per_minute: float, burst_seconds: float, asks: list[tuple[float, float]]
) -> None:
    bucket, now, drawn = Bucket(per_minute, burst_seconds, 0.0), 0.0, 0.0
    burst = max(1.0, per_minute / 60 * burst_seconds)
    for amount, pause in asks:
        now += pause
        if bucket.seconds_until(amount, now) == 0:
            before, drawn = drawn, drawn + amount
            bucket.level -= amount
            assert before + min(amount, burst) <= per_minute / 60 * (now + 1e-5) + burst + 1e-6


@given(st.floats(0.5, 100_000), st.floats(0, 20), st.floats(0.01, 5000))
def test_who_waits_as_long_as_a_bucket_says_may_draw(per_minute: float, burst_seconds: float, amount: float) -> None:
    bucket = Bucket(per_minute, burst_seconds, 0.0)
    for _ in range(3):
        wait = bucket.seconds_until(amount, bucket._at)
        assert bucket.seconds_until(amount, bucket._at + wait) == 0
        bucket.level -= amount


@given(st.floats(0.01, 10_000), st.floats(0, 1e5))
def test_a_found_rate_dips_stays_near_its_peak_and_then_searches(peak: float, seconds: float) -> None:
    found = Found(peak, 0.0)
    assert found.rate(0.0) == pytest.approx(peak * 0.85)
    assert found.rate(seconds) <= found.rate(seconds + 1) <= 2 * peak


@pytest.mark.parametrize("most", [1, 2, 8, 128, 1000])
def test_without_a_limit_it_is_as_wide_as_it_may_be_within_a_second(most: int) -> None:
    outcome = ask(Server(), 4 * most, max_in_flight=most)
    full = next(moment.now for moment in outcome.moments if moment.in_flight == most)
    assert full < 1
    assert max(moment.in_flight for moment in outcome.moments) == most
    assert min(outcome.widths(1, math.inf)) == most


def compared(outcome: Outcome, requests: int, per_minute: float, latency: float) -> float:
    return outcome.seconds / (requests * 60 / per_minute + latency)


@pytest.mark.parametrize("per_minute", [60, 600, 6000])
@pytest.mark.parametrize("latency", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("retry_after", [True, False])
def test_headers_are_followed_closely(per_minute: float, latency: float, retry_after: bool) -> None:
    requests = max(200, int(per_minute * 1.5))
    server = Server(per_minute, latency=lambda load, now: latency, retry_after=retry_after)
    outcome = ask(server, requests, max_in_flight=1000)
    assert compared(outcome, requests, per_minute, latency) < 1.07
    assert outcome.refused_share < 0.01


@pytest.mark.parametrize("per_minute", [60, 600, 2000])
@pytest.mark.parametrize("latency", [0.05, 0.5, 3.0])
@pytest.mark.parametrize("retry_after", [True, False])
@pytest.mark.parametrize("burst_seconds", [0.2, 1.0])
def test_a_limit_that_nobody_says_is_found(
    per_minute: float, latency: float, retry_after: bool, burst_seconds: float
) -> None:
    requests = int(per_minute * 6)
    server = Server(
        per_minute,
        latency=lambda load, now: latency,
        headers=False,
        retry_after=retry_after,
        burst_seconds=burst_seconds,
    )
    outcome = ask(server, requests, max_in_flight=400)
    assert compared(outcome, requests, per_minute, latency) < 1.3
    assert outcome.refused_share < 0.06


def test_a_limit_of_tokens_that_nobody_says_is_found() -> None:
    outcome = ask(Server(tokens_per_minute=60_000, headers=False), 1000, tokens=500)
    assert outcome.seconds < 500 * 1.3
    assert outcome.refused_share < 0.06


def test_a_limit_of_tokens_in_the_headers_is_followed() -> None:
    outcome = ask(Server(tokens_per_minute=60_000), 1000, tokens=500)
    assert outcome.seconds < 500 * 1.07
    assert outcome.refused_share < 0.01


@pytest.mark.parametrize("other_share", [0.5, 0.9])
def test_a_limit_that_others_use_too_is_shared(other_share: float) -> None:
    server = Server(1200 * (1 - other_share))
    server.say = lambda wait=None: Limits(Limit(1200), Limit(), wait)  # type: ignore[method-assign]
    outcome = ask(server, 1200)
    assert outcome.seconds < 60 / (1 - other_share) * 1.3
    assert outcome.refused_share < 0.06


def test_a_limit_that_is_raised_is_used() -> None:
    server = Server(600, headers=False)
    server.reply = raising(server, at=60, to=12_000)  # type: ignore[method-assign]
    assert ask(server, 600 + 12_000, max_in_flight=256).seconds < 60 + 60 + 60


def raising(server: Server, at: float, to: float) -> object:
    reply = server.reply

    def later(tokens: float, now: float) -> object:
        server.limits = (to if now > at else server.limits[0], None)
        return reply(tokens, now)

    return later


def test_a_service_that_refuses_everything_for_a_while_is_asked_little() -> None:
    server = Server(60, headers=False, retry_after=False)
    server._held, server._fill = [0.0, 0.0], lambda which, amount, now: 1.0 if now < 300 else 0.0  # type: ignore
    outcome = ask(server, 2000)
    assert outcome.refused < 300
    assert outcome.seconds < 300 + 120


def test_it_narrows_when_latency_grows_with_load_and_widens_again() -> None:
    server = Server(latency=lambda load, now: 0.5 + 0.05 * load if 60 < now < 180 else 0.5)
    outcome = ask(server, 55_000)
    assert set(outcome.widths(30, 60)) == {128}
    assert min(outcome.widths(60, 180)) < 40
    assert set(outcome.widths(230, math.inf)) == {128}


def test_it_stays_wide_when_answers_grow_longer_whatever_the_load() -> None:
    outcome = ask(Server(latency=lambda load, now: 0.5 if now < 60 else 3.0), 30_000)
    assert sum(outcome.widths(100, math.inf)) / len(outcome.widths(100, math.inf)) > 120


def test_it_stays_wide_when_answers_are_of_very_different_lengths() -> None:
    chance = random.Random(0)
    outcome = ask(Server(latency=lambda load, now: math.exp(chance.gauss(0, 1))), 20_000)
    widths = outcome.widths(2, math.inf)
    assert sum(widths) / len(widths) > 110


def test_after_ten_failures_in_a_row_one_request_at_a_time_tries_ever_less_often() -> None:
    gate = Gate(Pace(), 0.0)
    for number in range(10):
        assert not gate.probing
        gate.failed(5.0 + number / 100)
    assert gate.probing
    now, pauses = 5.1, []
    for _ in range(9):
        wait = gate.wait(10, 0, now)
        assert wait is not None
        pauses.append(wait)
        now += wait
        assert gate.wait(10, 0, now) == 0
        gate.send(10)
        assert gate.wait(10, 1, now) is None
        gate.failed(now)
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60], abs=0.02)
    assert gate.silent_seconds(now) == now
    gate.answered(0.5, Limits(), now)
    assert not gate.probing
    assert gate.silent_seconds(now + 1) == 1
    assert gate.width(now) == 128


def test_failures_with_answers_between_them_do_not_close_the_gate() -> None:
    gate = Gate(Pace(), 0.0)
    for number in range(100):
        gate.failed(float(number))
        if number % 9 == 8:
            gate.answered(0.5, Limits(), float(number))
    assert not gate.probing


def test_an_outage_is_waited_out() -> None:
    outcome = ask(Server(down=(20, 320)), 8000)
    during = [now for now in outcome.sent if 25 < now < 320]
    assert len(during) < 12
    assert outcome.seconds < 320 + 60 + 40


@pytest.mark.parametrize("per_minute", [30, 600, 6000])
def test_a_limit_that_the_project_sets_is_kept_from_the_first_request(per_minute: float) -> None:
    outcome = ask(Server(per_minute, headers=False, burst_seconds=0.2), int(3 * per_minute) + 10, **set_to(per_minute))
    assert outcome.refused == 0
    assert outcome.seconds < 3 * 60 * 1.07 + 10 * 60 / per_minute
    assert_at_most(outcome.sent, per_minute)


def set_to(per_minute: float) -> dict[str, float]:
    return {"requests_per_minute": per_minute}


def assert_at_most(sent: list[float], per_minute: float) -> None:
    for start in range(len(sent)):
        within = start + int(per_minute)
        assert within >= len(sent) or sent[within] - sent[start] > 60 * 0.99 - 1e-3


def test_a_limit_that_the_project_sets_is_not_raised_by_headers() -> None:
    outcome = ask(Server(6000), 600, **set_to(300))
    assert_at_most(outcome.sent, 300)


def test_a_limit_of_tokens_that_the_project_sets_is_kept_from_the_first_request() -> None:
    outcome = ask(Server(tokens_per_minute=60_000, headers=False), 500, tokens=500, tokens_per_minute=60_000)
    assert outcome.refused == 0
    assert outcome.seconds < 250 * 1.07


def test_a_request_of_more_than_a_minutes_tokens_goes_out_when_the_bucket_is_full() -> None:
    outcome = ask(Server(), 3, tokens=2000, tokens_per_minute=1000)
    assert len(outcome.sent) == 3
    assert 200 < outcome.seconds < 400


def test_a_refusal_is_waited_out_as_long_as_it_says() -> None:
    gate = Gate(Pace(), 0.0)
    gate.send(10)
    assert gate.refused(Limits(retry_after_seconds=7.0), 1.0) == 7.0
    assert gate.wait(10, 0, 1.0) == 7.0
    assert gate.wait(10, 0, 7.9) == pytest.approx(0.1)


def test_refusals_without_an_answer_between_them_are_waited_out_ever_longer() -> None:
    gate, now, pauses = Gate(Pace(), 0.0), 0.0, []
    for _ in range(8):
        gate.send(10)
        pauses.append(gate.refused(Limits(), now))
        now += 10.0
    assert pauses == sorted(pauses)
    assert pauses[-1] == 8.0
    gate.answered(0.5, Limits(), now)
    assert gate.refused(Limits(), now + 1) < 1


def test_a_gate_costs_little() -> None:
    started = time.process_time()
    outcome = ask(Server(30_000), 20_000, max_in_flight=500)
    assert (time.process_time() - started) / len(outcome.sent) < 200e-6
