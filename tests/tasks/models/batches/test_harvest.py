"""What comes back from a batch: whole, broken, for strangers, gone, or nothing at all."""

import logging

import pytest

from tasks.errors import ModelUnavailable, Waiting
from tasks.models import Ledger
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
    questions,
    teacher,
    texts,
)


def test_a_result_for_a_request_that_was_never_sent_is_left_out_and_counted(
    api: str, shop: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    shop.behaviour = Behaviour(batch_stranger=True)
    with caplog.at_level(logging.INFO, "stillhouse"):
        assert texts(ask_until_done(shop, teacher(api, shop.url), questions(25))) == expected(25)
    assert "1 results for requests that were never in it" in caplog.text
    balanced(shop)


def test_of_results_that_break_off_what_is_whole_is_kept_and_the_rest_is_asked_again(api: str, shop: Provider) -> None:
    shop.behaviour = Behaviour(batch_truncated=True)
    service, by = teacher(api, shop.url), hand()
    with pytest.raises(Waiting):
        ask(service, questions(100), by)
    with pytest.raises(Waiting):
        ask(service, questions(100), by)
    kept = len(list(Ledger().lines()))
    assert 40 < kept < 70
    shop.behaviour = Behaviour()
    assert texts(ask_until_done(shop, service, questions(100), by)) == expected(100)
    assert len(shop.asked) == 100 + 100 - kept
    spent, reserved, paid, lost, left = Books.now()
    assert (spent, reserved, left) == (paid + lost, 0, 0)
    assert lost > bill(shop.asked) - paid > 0


def test_a_batch_that_the_provider_forgot_counts_as_spent_and_its_rows_are_asked_again_once(
    api: str, shop: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    service, by = teacher(api, shop.url), hand()
    with pytest.raises(Waiting):
        ask(service, questions(30), by)
    reserved = Books.now()[1]
    shop.behaviour = Behaviour(batch_forgotten=True)
    with pytest.raises(Waiting):
        ask(service, questions(30), by)
    assert "may be billed, count as spent, are asked again" in caplog.text
    assert Books.now()[0] == Books.now()[3] == reserved
    asked = ask(service, questions(30), by)
    assert asked.failures == 30
    assert shop.batches == 2


def test_results_that_the_provider_keeps_no_more_count_as_spent_and_their_rows_are_asked_again(shop: Provider) -> None:
    service, by = teacher("openai", shop.url), hand()
    with pytest.raises(Waiting):
        ask(service, questions(30), by)
    reserved = Books.now()[1]
    shop.clock.move(3 * HOUR)
    assert service.batches().client.batches.list().data[0].output_file_id
    for name in [name for name, file in shop.files.kept.items() if file.purpose == "batch_output"]:
        del shop.files.kept[name]
    with pytest.raises(Waiting, match="1 batch with 30 requests"):
        ask(service, questions(30), by)
    assert Books.now()[0] == Books.now()[3] == reserved
    assert texts(ask_until_done(shop, service, questions(30), by)) == expected(30)
    assert Books.now()[:2] == (reserved + bill(shop.asked) // 2, 0)


def test_a_key_that_is_let_in_no_more_is_told_at_once_and_the_batch_is_not_lost(api: str, shop: Provider) -> None:
    service, by = teacher(api, shop.url), hand()
    with pytest.raises(Waiting):
        ask(service, questions(30), by)
    shop.behaviour = Behaviour(api_keys=("another",))
    with pytest.raises(ModelUnavailable, match=r"cannot be asked about batch .*Set a valid key in"):
        ask(service, questions(30), by)
    shop.behaviour = Behaviour()
    assert texts(ask(service, questions(30), by)) == expected(30)
    balanced(shop)


def test_a_batch_in_which_nothing_succeeded_is_a_failure_that_says_why(api: str, shop: Provider) -> None:
    shop.behaviour = Behaviour(models=("another",))
    with pytest.raises(ModelUnavailable, match=r"answered none of the 30 requests of batch .* first error: HTTP 404"):
        ask_until_done(shop, teacher(api, shop.url), questions(30))
    assert Books.now() == (0, 0, 0, 0, 0)
    shop.behaviour = Behaviour()
    assert texts(ask_until_done(shop, teacher(api, shop.url), questions(30))) == expected(30)


def test_a_line_separator_in_an_answer_does_not_end_its_line(api: str, shop: Provider) -> None:
    shop.behaviour = Behaviour(scripted={"parcel": "one\u2028two\x85three"})
    assert texts(ask_until_done(shop, teacher(api, shop.url), questions(3))) == ["one\u2028two\x85three"] * 3
