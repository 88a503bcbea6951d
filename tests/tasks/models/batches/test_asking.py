from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from tasks.errors import BudgetSpent, ModelUnavailable, Waiting
from tasks.models import Budget, Hand, Ledger
from tasks.models.batches.anthropic import AnthropicBatches
from tasks.models.batches.openai import OpenAIBatches
from tasks.models.batches.records import Records
from tests.provider import Behaviour, Provider
from tests.tasks.models.batches.asker import (
    HOUR,
    Books,
    ask,
    ask_until_done,
    balanced,
    bill,
    expected,
    hand,
    question,
    questions,
    teacher,
    texts,
)

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def test_hours_pass_and_then_every_row_has_its_answer(api: str, shop: Provider, either_database: str) -> None:
    service, by = teacher(api, shop.url), hand()
    for hours in range(2):
        with pytest.raises(Waiting, match="1 batch with 30 requests to shop") as waiting:
            ask(service, questions(30), by)
        assert 60 <= waiting.value.seconds <= 600
        assert (shop.batches, shop.billed, Books.now()[2]) == (1, 0, 0), hours
        assert Books.now()[1] > 0
        shop.clock.move(HOUR)
    asked = ask(service, questions(30), by)
    assert texts(asked) == expected(30)
    assert (asked.asked, asked.failures) == (30, 0)
    assert shop.batches == 1
    assert set(Counter(each.digest for each in shop.asked).values()) == {1}
    balanced(shop)


def test_responses_are_asked_by_batches_too(shop: Provider) -> None:
    asked = ask_until_done(shop, teacher("openai", shop.url, api="responses"), questions(25))
    assert texts(asked) == expected(25)
    assert {each.api for each in shop.asked} == {"responses"}


def test_an_answer_is_the_same_live_and_in_a_batch_but_for_its_price(api: str, shop: Provider) -> None:
    def given(mode: str, project: str) -> list[dict[str, Any]]:
        by = hand(project)
        asked = ask_until_done(shop, teacher(api, shop.url, mode, service=project), questions(25), by)
        apart = {"nanodollars", "saved_nanodollars", "seconds", "request_id"}
        return [answer.model_dump(exclude=apart) for answer in asked.answers()]

    assert given("live", "one") == given("batch", "two")
    assert Ledger().spent("two") * 2 == Ledger().spent("one")


def test_what_was_answered_live_is_not_batched_and_a_batched_answer_serves_a_live_run(api: str, shop: Provider) -> None:
    ask(teacher(api, shop.url, "live"), questions(5))
    with pytest.raises(Waiting, match="1 batch with 25 requests"):
        ask(teacher(api, shop.url), questions(30))
    shop.clock.move(3 * HOUR)
    asked = ask(teacher(api, shop.url, "live"), questions(30))
    assert texts(asked) == expected(30)
    assert len(shop.asked) == 30


@pytest.mark.parametrize("project", ["shop", "another"])
def test_what_a_batch_holds_nobody_else_asks(api: str, shop: Provider, project: str) -> None:
    with pytest.raises(Waiting):
        ask(teacher(api, shop.url), questions(5))
    for mode in ("live", "batch"):
        with pytest.raises(Waiting):
            ask(teacher(api, shop.url, mode), questions(5), hand(project, "two"))
    assert (shop.batches, len(shop.asked)) == (1, 0)
    assert texts(ask_until_done(shop, teacher(api, shop.url), questions(5))) == expected(5)


@pytest.mark.parametrize("end", ["expired", "cancelled"])
@pytest.mark.parametrize("rows", [60, 30])
def test_a_batch_that_ends_half_done_keeps_that_half_and_the_rest_is_asked_again(
    api: str, shop: Provider, end: str, rows: int
) -> None:
    shop.behaviour = Behaviour(batch_seconds=HOUR, batch_share=0.5)
    service, by = teacher(api, shop.url), hand()
    with pytest.raises(Waiting):
        ask(service, questions(rows), by)
    shop.clock.move(2 * HOUR if end == "cancelled" else 25 * HOUR)
    with closing(service.batches()) as batches:
        remote = Records(Ledger().database).open()[0].remote
        if end == "cancelled":
            batches.cancel(remote)
        assert batches.look(remote).over
    shop.behaviour = Behaviour(batch_seconds=HOUR)
    asked = ask_until_done(shop, service, questions(rows), by)
    assert texts(asked) == expected(rows)
    assert (asked.asked, len(shop.asked)) == (rows, rows)
    few = rows // 2 < 20
    assert shop.batches == (1 if few else 2)
    in_batches = shop.asked[: rows // 2] if few else shop.asked
    paid = bill(in_batches) + bill(shop.asked[len(in_batches) :], "live")
    assert Books.now() == (paid, 0, paid, 0, 0)


def test_rows_that_fail_in_a_batch_are_rows_with_their_error(api: str, shop: Provider) -> None:
    shop.behaviour = Behaviour(
        batch_seconds=HOUR, filter_containing="gore", refuse_containing="bomb", context_tokens=200, reject_schemas=True
    )
    wanted = [
        *questions(3),
        question("gore"),
        question("a bomb"),
        question("long " * 400),
        question("in form", output_schema=SCHEMA),
    ]
    asked = ask_until_done(shop, teacher(api, shop.url), wanted)
    answers = list(asked.answers())
    assert [answer.error.partition(":")[0] for answer in answers] == [""] * 5 + ["context_too_long", "schema_rejected"]
    assert {answer.finish_reason for answer in answers[3:5]} <= {"refusal", "content_filter"}
    assert (asked.asked, asked.failures, shop.batches) == (7, 2, 1)
    balanced(shop)


def test_errors_that_may_pass_are_asked_again(api: str, shop: Provider) -> None:
    shop.behaviour = Behaviour(error_share=0.6, faults_at_most=1)
    asked = ask_until_done(shop, teacher(api, shop.url), questions(100))
    assert texts(asked) == expected(100)
    assert shop.batches == 2
    balanced(shop)


def test_errors_that_do_not_pass_are_given_up(api: str, shop: Provider) -> None:
    shop.behaviour = Behaviour(error_share=0.5, faults_at_most=None, seed=3)
    asked = ask_until_done(shop, teacher(api, shop.url), questions(200))
    assert asked.failures
    assert max(Counter(each.digest for each in shop.asked).values()) == 3
    assert all(answer.error.startswith("server_error") for answer in asked.failed.values())
    balanced(shop)


@pytest.mark.parametrize("behaviour", [{"credit_requests": 0}, {"api_keys": ("another",)}])
def test_a_batch_that_is_refused_is_one_clear_error_and_holds_no_money(
    api: str, shop: Provider, behaviour: dict[str, Any]
) -> None:
    shop.behaviour = Behaviour(**behaviour)
    with pytest.raises(ModelUnavailable, match=r"refused a batch of 30 requests.*Nothing of it was answered or billed"):
        ask_until_done(shop, teacher(api, shop.url), questions(30))
    assert Books.now() == (0, 0, 0, 0, 0)
    shop.behaviour = Behaviour()
    assert texts(ask_until_done(shop, teacher(api, shop.url), questions(30))) == expected(30)


def test_a_batch_that_would_pass_the_cap_is_made_smaller_and_what_is_left_over_is_said(
    api: str, shop: Provider
) -> None:
    shop.behaviour = Behaviour(batch_seconds=HOUR, answer_words=99)
    service = teacher(api, shop.url)
    worst = service.batch_prices.worst(questions(1)[0].request, 64)
    by = Hand("teach", Budget(project="shop", run="one", project_usd=worst * 12 / 1e9))
    with pytest.raises(Waiting, match="what does not fit the budget beside them is asked when they are over"):
        ask(service, questions(100), by)
    batch = Records(Ledger().database).open()[0]
    assert 5 < batch.rows < 12
    with pytest.raises(BudgetSpent, match=r"requests are left, and would cost at most \$0\.\d+"):
        ask_until_done(shop, service, questions(100), by)
    assert 12 < shop.billed < 100
    assert Books.now()[:2] == (bill(shop.asked), 0)
    raised = hand(run="two")
    assert ask_until_done(shop, service, questions(100), raised).failures == 0
    assert len(shop.asked) == 100


def test_what_does_not_fit_beside_the_batches_that_wait_goes_out_in_smaller_ones(shop: Provider) -> None:
    shop.behaviour = Behaviour(batch_enqueued_tokens=300)
    asked = ask_until_done(shop, teacher("openai", shop.url), questions(100))
    assert texts(asked) == expected(100)
    balanced(shop)


def test_batches_hold_no_more_than_the_service_takes(api: str, shop: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = OpenAIBatches if api == "openai" else AnthropicBatches
    monkeypatch.setattr(kind, "most_rows", 70)
    monkeypatch.setattr(kind, "most_bytes", 12_000)
    wanted = questions(200) + [question(f"{number} long" * 100) for number in range(9)] + [question("x" * 20_000)]
    asked = ask_until_done(shop, teacher(api, shop.url), wanted)
    assert texts(asked)[:200] == expected(200)
    assert [answer.error.partition(":")[0] for answer in asked.failed.values()] == ["context_too_long"]
    kept = (shop.openai_batches if api == "openai" else shop.anthropic_batches).batches.kept.values()
    assert sum(len(batch.rows) for batch in kept) == 209
    assert max(len(batch.rows) for batch in kept) <= 70
    if api == "openai":
        assert 6_000 < max(len(file.content) for file in shop.files.kept.values() if file.purpose == "batch") <= 12_000


def test_mode_and_batch_price_enter_no_key(api: str, shop: Provider) -> None:
    live, batch = teacher(api, shop.url, "live"), teacher(api, shop.url, "batch")
    assert live.identity() == batch.identity()
    assert live.model_dump() == batch.model_dump()


def test_what_a_batch_has_is_forgotten_once_it_is_there(shop: Provider) -> None:
    service, row = teacher("openai", shop.url), questions(1)[0].row
    with pytest.raises(Waiting):
        ask(service, questions(30))
    assert (Ledger().forget("shop", row), Ledger().being_asked("shop", row)) == (0, 1)
    assert len(texts(ask_until_done(shop, service, questions(30)[1:]))) == 29
    assert (Ledger().forget("shop", row), Ledger().being_asked("shop", row)) == (1, 0)
    assert len(list(Ledger().lines())) == 29
