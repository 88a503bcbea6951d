"""What a process left between its intent and the record of what came of it."""

import pytest

from tasks.errors import Waiting
from tasks.models import Ledger
from tasks.models.batches import submission
from tasks.models.batches.records import Records, State
from tests.provider import Provider
from tests.tasks.models.batches.asker import Books, ask, ask_until_done, balanced, questions, teacher, texts


def lose_record(at: int) -> None:
    """As if the process had died before it wrote down what the service answered."""
    records = Records(Ledger().database)
    records.change(records.open()[at], state=State.CREATING, remote="")


def test_a_batch_that_was_submitted_is_found_among_others(api: str, shop: Provider) -> None:
    service = teacher(api, shop.url)
    for word in ("one", "two", "three"):
        with pytest.raises(Waiting):
            ask(service, questions(25, word))
    lose_record(1)
    for word in ("one", "two", "three"):
        asked = ask_until_done(shop, service, questions(25, word))
        assert texts(asked) == [f"answer to: {each.row}" for each in questions(25, word)]
    assert shop.batches == 3
    balanced(shop)


def test_a_batch_that_never_reached_the_service_is_submitted_again_once_that_is_sure(
    api: str, shop: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = teacher(api, shop.url)
    with pytest.raises(Waiting):
        ask(service, questions(25))
    lose_record(0)
    kept = (shop.openai_batches if api == "openai" else shop.anthropic_batches).batches.kept
    kept.clear()  # it never arrived
    with pytest.raises(Waiting):
        ask(service, questions(25))
    assert (len(kept), Books.now()[4]) == (0, 25), "it may still be on its way"
    monkeypatch.setattr(submission, "_SHOWS_SECONDS", 0.0)
    assert texts(ask_until_done(shop, service, questions(25))) == [f"answer to: {each.row}" for each in questions(25)]
    assert len(kept) == 1
    balanced(shop)


def test_a_message_batch_of_somebody_else_is_not_taken_for_ours(
    shop: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "_SHOWS_SECONDS", 0.0)
    service = teacher("anthropic", shop.url)
    with pytest.raises(Waiting):
        ask(service, questions(25, "theirs"))
    records = Records(Ledger().database)
    theirs = records.open()[0]
    with pytest.raises(Waiting):
        ask(service, questions(25))
    ours = next(batch for batch in records.open() if batch.id != theirs.id)
    del shop.anthropic_batches.batches.kept[ours.remote]
    records.change(ours, state=State.CREATING, remote="")
    with pytest.raises(Waiting):
        ask(service, questions(25))
    assert shop.batches == 1, "while one as large is in progress, it may be ours"
    assert texts(ask_until_done(shop, service, questions(25)))[0] == "answer to: parcel 0"
    assert shop.batches == 2
