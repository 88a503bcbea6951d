import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest

from tasks.errors import ModelUnavailable
from tasks.models import Anthropic, OpenAI, Request
from tasks.models.live.failures import Failure, Kind
from tasks.models.live.service import Reply, Service
from tasks.models.request import CUT_OFF, REFUSED
from tasks.rows import Message
from tests.provider import Behaviour, Provider, provider_thread

KEY = "sk-secret-that-nobody-may-see-4711"
SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
REQUEST = Request(messages=[Message(role="user", content="Where is my tent?")], max_output_tokens=50)

Make = Callable[..., Service]


def chat(url: str, **rest: Any) -> Service:
    given = {"provider": "openai", "model": "gpt-4o-mini", "base_url": f"{url}/v1", "api_key_env": "SHOP_KEY"}
    return OpenAI.model_validate(given | {"pace": {"timeout_seconds": 0.3}} | rest)


def responses(url: str, **rest: Any) -> Service:
    return chat(url, api="responses", **rest)


def messages(url: str, **rest: Any) -> Service:
    given = {"provider": "anthropic", "model": "claude-sonnet-4-5", "base_url": url, "api_key_env": "SHOP_KEY"}
    return Anthropic.model_validate(given | {"pace": {"timeout_seconds": 0.3}} | rest)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", KEY)


@pytest.fixture(params=[chat, responses, messages])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


def sent(service: Service, *requests: Request) -> list[Reply | Failure]:
    async def send() -> list[Reply | Failure]:
        client = service.connect()
        try:
            return [await service.send(client, request) for request in requests]
        finally:
            await client.close()

    return asyncio.run(send())


def answered(make: Make, behaviour: Behaviour, *requests: Request) -> tuple[list[Reply | Failure], Provider]:
    with provider_thread(behaviour) as provider:
        return sent(make(provider.url), *(requests or [REQUEST])), provider


def failed(make: Make, behaviour: Behaviour, request: Request = REQUEST) -> Failure:
    [failure], _ = answered(make, behaviour, request)
    assert isinstance(failure, Failure), failure
    assert KEY not in repr(failure)
    assert "None" not in failure.words
    assert 0 < len(failure.words) <= 500
    return failure


def test_an_answer_comes_with_what_it_took(make: Make) -> None:
    [reply], provider = answered(make, Behaviour(latency_seconds=0.05))
    assert isinstance(reply, Reply)
    [asked] = provider.asked
    assert reply.answer.text == "answer to: Where is my tent?"
    assert reply.answer.error == ""
    assert reply.answer.model.endswith("-2026-01-01")
    assert 0.05 <= reply.answer.seconds < 1
    assert (reply.answer.input_tokens, reply.answer.output_tokens) == (asked.input_tokens, asked.output_tokens)
    assert reply.answer.request_id == asked.request_id
    assert reply.answer.nanodollars is None


def test_an_answer_costs_what_the_project_states(make: Make) -> None:
    with provider_thread() as provider:
        [reply] = sent(make(provider.url, price={"input_usd": 2.0, "output_usd": 10.0}), REQUEST)
    assert isinstance(reply, Reply)
    assert reply.answer.nanodollars == reply.answer.input_tokens * 2000 + reply.answer.output_tokens * 10_000


def test_the_limits_come_with_every_answer(make: Make) -> None:
    [reply], _ = answered(make, Behaviour(requests_per_minute=600, tokens_per_minute=60_000))
    assert reply.limits.requests.per_minute == 600
    assert reply.limits.tokens.per_minute == 60_000
    [reply], _ = answered(make, Behaviour(tokens_per_minute=60_000))
    assert reply.limits.requests.per_minute is None
    assert reply.limits.tokens.per_minute == 60_000


def test_a_schema_is_followed_and_may_be_rejected(make: Make) -> None:
    request = REQUEST.model_copy(update={"output_schema": SCHEMA})
    [reply], _ = answered(make, Behaviour(), request)
    assert isinstance(reply, Reply)
    assert json.loads(reply.answer.text) == {"word": "text"}
    assert failed(make, Behaviour(reject_schemas=True), request).kind is Kind.SCHEMA_REJECTED


def test_an_answer_that_is_cut_off_or_refused_is_an_answer(make: Make) -> None:
    short = REQUEST.model_copy(update={"max_output_tokens": 2})
    [cut], _ = answered(make, Behaviour(), short)
    [refused], _ = answered(make, Behaviour(refuse_containing="tent"))
    [filtered], _ = answered(make, Behaviour(filter_containing="tent"))
    assert isinstance(cut, Reply)
    assert isinstance(refused, Reply)
    assert isinstance(filtered, Reply)
    assert cut.answer.finish_reason in CUT_OFF
    assert {refused.answer.finish_reason, filtered.answer.finish_reason} <= REFUSED


def test_a_wrong_key_stops_the_run_and_is_nowhere_in_the_failure(make: Make) -> None:
    failure = failed(make, Behaviour(api_keys=("another",)))
    assert failure.kind is Kind.UNAUTHORISED
    assert "[the key]" in failure.words


def test_a_key_that_the_cut_would_split_is_nowhere_in_the_failure() -> None:
    words = "x" * 480 + KEY
    failure = chat("http://127.0.0.1").discreet(Failure(Kind.INVALID, words))
    assert "sk-" not in failure.words
    assert len(failure.words) <= 500


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ({"models": ("another",)}, Kind.UNKNOWN_MODEL),
        ({"context_tokens": 3}, Kind.CONTEXT_TOO_LONG),
        ({"credit_requests": 0}, Kind.NO_CREDIT),
        ({"error_share": 1}, Kind.SERVER_ERROR),
        ({"overloaded_share": 1}, Kind.OVERLOADED),
        ({"outage_after": 0}, Kind.OVERLOADED),
        ({"truncated_share": 1}, Kind.DISCONNECTED),
        ({"bad_json_share": 1}, Kind.UNREADABLE),
        ({"reset_share": 1}, Kind.DISCONNECTED),
        ({"hang_share": 1}, Kind.TIMED_OUT),
    ],
)
def test_whatever_goes_wrong_is_a_value(make: Make, behaviour: dict[str, Any], kind: Kind) -> None:
    assert failed(make, Behaviour(**behaviour)).kind is kind


def test_a_temperature_that_the_model_does_not_take_fails_the_row(make: Make) -> None:
    request = REQUEST.model_copy(update={"temperature": 0.3})
    assert failed(make, Behaviour(reject_temperature=True), request).kind is Kind.INVALID


def test_a_refusal_says_the_limits_and_how_long_to_wait(make: Make) -> None:
    [_, failure], provider = answered(make, Behaviour(requests_per_minute=30), REQUEST, REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.RATE_LIMITED
    assert failure.limits.requests.per_minute == 30
    assert failure.limits.retry_after_seconds == pytest.approx(2, abs=0.5)
    assert provider.refused == 1, "the SDK itself has tried again"


def test_who_does_not_listen_is_unreachable(make: Make) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        [failure] = sent(make(f"http://127.0.0.1:{unused.getsockname()[1]}"), REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.UNREACHABLE
    assert "Connect" in failure.words


def test_a_host_that_does_not_exist_is_unreachable(make: Make) -> None:
    [failure] = sent(make("http://nobody.invalid"), REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.UNREACHABLE


@contextmanager
def saying(raw: bytes) -> Iterator[str]:
    """A server that says the same to everyone."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(raw)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def ok(body: bytes, header: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + header + length + b"\r\n" + body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"3",
        b'"text"',
        b"{}",
        b'{"choices": null, "status": null, "content": null}',
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 5}}], "status": "completed", "output": [5], "content": [5]}',
        b'{"choices": [{"message": {"content": ["a"]}}], "content": ["a"], "stop_reason": "end_turn"}',
        b'{"status": "failed", "error": null, "output": []}',
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_cannot_be_read_is_a_value(make: Make, body: bytes) -> None:
    with saying(ok(body)) as url:
        [failure] = sent(make(url), REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.UNREADABLE
    assert len(failure.words) <= 500


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        ok(b"no gzip", b"Content-Encoding: gzip\r\n"),
    ],
)
def test_what_is_no_http_is_a_value_too(make: Make, raw: bytes) -> None:
    with saying(raw) as url:
        [failure] = sent(make(url), REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.DISCONNECTED


def test_the_body_of_an_error_need_not_be_json(make: Make) -> None:
    with saying(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 15\r\n\r\n<html>no</html>") as url:
        [failure] = sent(make(url), REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.SERVER_ERROR


@pytest.mark.parametrize("kind", [OpenAI, Anthropic])
def test_a_key_is_asked_for_before_anything_is_sent(kind: type[Service], monkeypatch: pytest.MonkeyPatch) -> None:
    service = kind.model_validate({"provider": kind.listed_as, "model": "m"})
    monkeypatch.delenv(kind.key_variable, raising=False)
    with pytest.raises(ModelUnavailable, match=kind.key_variable):
        service.check()
    monkeypatch.setenv(kind.key_variable, "sk-some-key")
    service.check()
    monkeypatch.setenv(kind.key_variable, "sk-some…key")
    with pytest.raises(ModelUnavailable, match="Set it again") as raised:
        service.check()
    assert "sk-some" not in str(raised.value)


def test_a_service_of_ones_own_needs_no_key(make: Make) -> None:
    service = make("http://127.0.0.1:1").model_copy(update={"api_key_env": None})
    service.check()
    assert service.key_name == ""
    assert service.api_key


def test_a_key_that_ends_in_a_line_break_is_used_without_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", f"{KEY}\n")
    [reply], _ = answered(make, Behaviour(api_keys=(KEY,)))
    assert isinstance(reply, Reply)


@pytest.mark.parametrize(("kind", "variable"), [(OpenAI, "OPENAI_BASE_URL"), (Anthropic, "ANTHROPIC_BASE_URL")])
def test_an_address_in_the_environment_does_not_lead_elsewhere(
    kind: type[Service], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")

    async def address() -> str:
        client = kind.model_validate({"provider": kind.listed_as, "model": "m", "api_key_env": "SHOP_KEY"}).connect()
        await client.close()
        return str(client.base_url)

    assert asyncio.run(address()).startswith(kind.address)


def test_other_keys_in_the_environment_are_sent_nowhere(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.setenv(variable, "sk-of-somebody-else")
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(65_536))

        thread = Thread(target=serve, daemon=True)
        thread.start()
        sent(make(f"http://127.0.0.1:{server.getsockname()[1]}"), REQUEST)
        thread.join(5)
    assert KEY.encode() in heard[0]
    assert b"sk-of-somebody-else" not in heard[0]


def test_as_many_connections_as_may_be_in_flight_are_used(make: Make) -> None:
    with provider_thread(Behaviour(latency_seconds=2.0)) as provider:
        service = make(provider.url)
        service = service.model_copy(update={"pace": service.pace.model_copy(update={"timeout_seconds": 20.0})})

        async def ask() -> None:
            client = service.connect()
            await asyncio.gather(*(service.send(client, REQUEST) for _ in range(120)))
            await client.close()

        asyncio.run(ask())
        assert provider.most_in_flight == 120


def test_an_error_under_status_200_is_what_it_says(make: Make) -> None:
    body = b'{"error": {"message": "provider failed", "code": 502}}'
    with saying(ok(body)) as url:
        [failure] = sent(make(url), REQUEST)
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.SERVER_ERROR
