"""Bad days against a service on loopback: each one clear error, and what was answered is kept."""

import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import BudgetSpent, ModelUnavailable
from tasks.models import Anthropic, Asked, Budget, Hand, Ledger, OpenAI, Question, Request, Service
from tasks.models.prices import NANODOLLARS
from tasks.rows import Message
from tests.postgres import Server
from tests.provider import Behaviour, Provider, provider_thread

PRICE = {"input_usd": 1000.0, "output_usd": 1000.0}
KEY = "sk-secret-that-nobody-may-see-4711"


def questions(count: int, **request: Any) -> list[Question]:
    return [
        Question(
            f"r{number}",
            Request(messages=[Message(role="user", content=f"Row {number}")], max_output_tokens=20, **request),
        )
        for number in range(count)
    ]


def openai(provider: Provider, **settings: Any) -> OpenAI:
    pace = {"timeout_seconds": 2, "attempts": 3, **settings.pop("pace", {})}
    given = {"provider": "openai", "model": "gpt-4o-mini", "base_url": provider.openai_url, "price": PRICE}
    return OpenAI.model_validate(given | {"pace": pace} | settings)


def anthropic(provider: Provider, **settings: Any) -> Anthropic:
    given = {"provider": "anthropic", "model": "claude-haiku-4-5", "base_url": provider.url, "price": PRICE}
    return Anthropic.model_validate(given | settings)


def put(service: Service, asked: list[Question], project_usd: float | None = None, run: str = "one") -> Asked:
    hand = Hand("teach", Budget(project="shop", run=run, project_usd=project_usd))
    return hand.ask(service, asked, len(asked))


@pytest.fixture(params=["openai", "anthropic"])
def service_of(request: pytest.FixtureRequest) -> Any:
    return openai if request.param == "openai" else anthropic


def test_every_row_gets_its_own_answer_from_either_provider(service_of: Any) -> None:
    asked = questions(300)
    with provider_thread(Behaviour(latency_seconds=0.02, latency_spread=1.0)) as provider:
        service = service_of(provider, pace={"timeout_seconds": 60})  # a busy machine is no fault of the service
        answers = list(put(service, asked).answers())
        assert list(put(service, asked).answers()) == answers
        assert len(provider.asked) == 300
    assert [answer.text for answer in answers] == [f"answer to: Row {number}" for number in range(300)]
    assert all(answer.request_id and answer.seconds > 0 and answer.model.endswith("2026-01-01") for answer in answers)


def test_equal_requests_are_asked_once_and_samples_are_not_equal() -> None:
    asked = [*questions(3), *questions(3), *questions(3, sample=1)]
    with provider_thread() as provider:
        assert put(openai(provider), asked).asked == 6


def test_what_fails_now_and_then_is_tried_again(service_of: Any) -> None:
    faults = Behaviour(error_share=0.3, bad_json_share=0.1, truncated_share=0.1, reset_share=0.1, faults_at_most=1)
    with provider_thread(faults) as provider:
        asked = put(service_of(provider), questions(60))
    assert [answer.error for answer in asked.answers()] == [""] * 60
    assert {each.kind for each in Ledger().lost()} >= {"server_error", "unreadable", "disconnected"}


def test_a_row_that_always_fails_is_a_failed_row_and_the_others_are_answered() -> None:
    with provider_thread(Behaviour(error_share=0.3, faults_at_most=None)) as provider:
        asked = put(openai(provider, pace={"attempts": 2}), questions(200))
        failed = [answer for answer in asked.answers() if answer.error]
        assert 0 < len(failed) < 60
        assert asked.failures == len(failed)
        assert all(answer.error.startswith("server_error: HTTP 500") for answer in failed)
        provider.behaviour = Behaviour()
        assert put(openai(provider), questions(200)).asked == len(failed)


def test_a_context_that_is_too_long_fails_that_row_only(service_of: Any) -> None:
    long = Question("long", Request(messages=[Message(role="user", content="word " * 500)], max_output_tokens=20))
    with provider_thread(Behaviour(context_tokens=100)) as provider:
        answers = list(put(service_of(provider), [*questions(20), long]).answers())
    assert [bool(answer.error) for answer in answers] == [False] * 20 + [True]
    assert "context_too_long" in answers[-1].error


@pytest.mark.parametrize(
    ("behaviour", "says", "advises"),
    [
        ({"api_keys": ["another"]}, "HTTP 401", "Set a valid key in SHOP_KEY"),
        ({"models": ["another"]}, "HTTP 404", "Correct the model's name"),
        ({"credit_requests": 0}, "HTTP 4", "Add credit"),
        ({"reject_schemas": True}, "HTTP 400", "teach.output_schema"),
    ],
)
def test_what_no_row_survives_is_one_error(
    service_of: Any, behaviour: Any, says: str, advises: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    with provider_thread(Behaviour(latency_seconds=0.05, **behaviour)) as provider:
        with pytest.raises(ModelUnavailable, match=says) as caught:
            put(service_of(provider, api_key_env="SHOP_KEY"), questions(500, output_schema={"type": "object"}))
        assert len(provider.asked) < 120
    assert advises in str(caught.value)
    assert KEY not in str(caught.value)


def test_credit_that_runs_out_keeps_what_was_bought(service_of: Any) -> None:
    with provider_thread(Behaviour(latency_seconds=0.02, credit_requests=80)) as provider:
        with pytest.raises(ModelUnavailable, match="Add credit"):
            put(service_of(provider), questions(400))
        assert len(list(Ledger().lines())) == 80
        provider.behaviour = Behaviour()
        assert put(service_of(provider), questions(400)).asked == 320


def test_settings_that_the_service_always_refuses_stop_the_run_early() -> None:
    with provider_thread(Behaviour(latency_seconds=0.05, reject_temperature=True)) as provider:
        with pytest.raises(ModelUnavailable, match=r"temperature.*Correct the teacher's settings"):
            put(openai(provider), questions(500, temperature=0.0))
        assert len(provider.asked) < 120


def test_the_key_is_in_nothing_that_is_kept(monkeypatch: pytest.MonkeyPatch, store_root: Any) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)
    with provider_thread(Behaviour(error_share=0.2, api_keys=[KEY])) as provider:
        put(openai(provider, api_key_env="SHOP_KEY"), questions(50))
    kept = [path for path in store_root.rglob("*") if path.is_file()]
    assert kept
    assert not any(KEY.encode() in path.read_bytes() for path in kept)


def test_the_budget_is_never_passed_and_a_raised_one_goes_on(service_of: Any) -> None:
    with provider_thread(Behaviour(latency_seconds=0.01)) as provider:
        with pytest.raises(BudgetSpent, match="requests are left") as caught:
            put(service_of(provider), questions(300), project_usd=2.0)
        bought = len(provider.asked)
        assert 0 < bought < 300
        spent = sum(cost.nanodollars for cost in Ledger().costs())
        assert 1.6 * NANODOLLARS < spent <= 2.0 * NANODOLLARS
        assert f"{300 - bought} requests are left" in str(caught.value)
        put(service_of(provider), questions(300), project_usd=100.0)
        assert len(provider.asked) == 300


def test_a_run_has_a_budget_of_its_own() -> None:
    with provider_thread() as provider:
        hand = Hand("teach", Budget(project="shop", run="one", project_usd=100.0, run_usd=0.5))
        with pytest.raises(BudgetSpent, match="this run's budget"):
            hand.ask(openai(provider), questions(300), 300)
        assert Ledger().spent("shop", "one") <= 0.5 * NANODOLLARS
        put(openai(provider), questions(300), project_usd=100.0, run="two")


def test_an_outage_is_waited_out_with_one_probe_at_a_time() -> None:
    with provider_thread(Behaviour(latency_seconds=0.05, outage_after=50, outage_requests=22)) as provider:
        asked = put(openai(provider, pace={"max_in_flight": 20}), questions(200))
        assert [answer.error for answer in asked.answers()] == [""] * 200
        assert sum(each.status == 503 for each in provider.asked) == 22


def test_a_service_that_never_answers_is_one_error_that_says_for_how_long() -> None:
    with provider_thread(Behaviour(error_share=1.0, faults_at_most=None)) as provider:
        with pytest.raises(ModelUnavailable, match=r"HTTP 500.*nothing else for 3 s"):
            put(openai(provider, pace={"give_up_seconds": 3, "attempts": 50}), questions(200))
        assert len(provider.asked) < 250


def test_a_service_that_is_not_there_is_named() -> None:
    with provider_thread() as provider:
        gone = openai(provider, pace={"give_up_seconds": 2, "attempts": 50})
    with pytest.raises(ModelUnavailable, match=r"127.0.0.1"):
        put(gone, questions(20))


def test_a_limit_a_minute_is_kept_without_losing_a_row(service_of: Any) -> None:
    with provider_thread(Behaviour(latency_seconds=0.05, requests_per_minute=6000)) as provider:
        started = time.monotonic()
        asked = put(service_of(provider), questions(500))
        assert time.monotonic() - started < 9
        assert asked.failures == 0
        assert provider.refused <= 15


def test_another_process_that_asks_the_same_is_waited_for() -> None:
    asked = questions(200)
    with provider_thread(Behaviour(latency_seconds=0.3)) as provider:
        service = openai(provider, pace={"max_in_flight": 40, "timeout_seconds": 60})
        both: list[Asked] = []
        threads = [threading.Thread(target=lambda: both.append(put(service, asked))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Counter(each.digest for each in provider.asked).most_common(1)[0][1] == 1
    assert [len(list(each.answers())) for each in both] == [200, 200]
    assert sum(each.asked for each in both) == 200


def test_a_ledger_that_goes_away_is_waited_for_and_nothing_is_bought_twice(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STILLHOUSE_LEDGER", postgres.new_database())
    with provider_thread(Behaviour(latency_seconds=0.2)) as provider:
        back = threading.Timer(2, postgres.serve)

        def leave() -> None:
            while len(provider.asked) < 50:
                time.sleep(0.01)
            postgres.stop()
            back.start()

        leaving = threading.Thread(target=leave)
        leaving.start()
        asked = put(openai(provider, pace={"max_in_flight": 8}), questions(200))
        leaving.join()
        back.join()
        assert Counter(each.digest for each in provider.asked).most_common(1)[0][1] == 1
        assert [answer.error for answer in asked.answers()] == [""] * 200 == [""] * len(provider.asked)
    assert Ledger().lost("shop") == []


def test_a_full_disk_loses_no_paid_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    script = """
import resource, signal, sys
from tests.tasks.models.live.asking_run import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
main(sys.argv[1], 2000, 32)
"""
    with provider_thread(Behaviour(latency_seconds=0.02)) as provider:
        full = subprocess.run([sys.executable, "-c", script, provider.url], capture_output=True, text=True, check=False)
        assert full.returncode == 1
        last = full.stderr.strip().splitlines()[-1]
        assert "ledger.sqlite cannot be used" in last
        bought = len(provider.asked)
        assert 0 < bought < 2000
        if "stillhouse ledger import" in last:
            Ledger().import_lines(Path(last.rpartition(" ")[2]))
        assert len(list(Ledger().lines())) == bought


def test_inputs_that_cannot_be_read_lose_no_answer() -> None:
    def broken() -> Iterator[Question]:
        yield from questions(600)
        raise OSError("the disk with the inputs is gone")

    with provider_thread(Behaviour(latency_seconds=0.1)) as provider:
        with pytest.raises(OSError, match="the disk with the inputs is gone"):
            Hand("teach", Budget(project="shop", run="one")).ask(openai(provider), broken(), 700)
        assert len(list(Ledger().lines())) == len(provider.asked) > 0
