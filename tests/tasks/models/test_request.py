import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.models import Request, request_key
from tasks.models.request import in_batches
from tasks.rows import Message

IDENTITY = {"provider": "toy", "model": "toy-1"}
REQUEST = Request(messages=[Message(role="user", content="Where is my tent?")], max_output_tokens=20)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": [Message(role="user", content="Where is my tent? ")]},
        {"messages": [Message(role="system", content="Where is my tent?")]},
        {"messages": [*REQUEST.messages, Message(role="user", content="")]},
        {"max_output_tokens": 21},
        {"temperature": 0.5},
        {"sample": 1},
        {"output_schema": {"type": "object"}},
    ],
)
def test_all_that_decides_the_answer_is_in_the_key(change: dict[str, object]) -> None:
    assert request_key(IDENTITY, REQUEST.model_copy(update=change)) != request_key(IDENTITY, REQUEST)


@pytest.mark.parametrize("other", [{"provider": "toy", "model": "toy-2"}, {"provider": "other", "model": "toy-1"}])
def test_the_model_is_in_the_key(other: dict[str, str]) -> None:
    assert request_key(other, REQUEST) != request_key(IDENTITY, REQUEST)


def test_every_field_of_a_request_is_covered_by_the_tests_above() -> None:
    assert set(Request.model_fields) == {"messages", "max_output_tokens", "temperature", "sample", "output_schema"}


def test_the_order_of_keys_and_unset_defaults_are_not_in_the_key() -> None:
    turn = Message(content="Where is my tent?", role="user")
    spelt_out = Request(output_schema=None, sample=0, temperature=None, max_output_tokens=20, messages=[turn])
    assert request_key(dict(reversed(IDENTITY.items())), spelt_out) == request_key(IDENTITY, REQUEST)


def test_the_order_of_the_turns_is_in_the_key() -> None:
    turns = [Message(role="user", content="a"), Message(role="user", content="b")]
    there, back = (Request(messages=each, max_output_tokens=9) for each in (turns, turns[::-1]))
    assert request_key(IDENTITY, there) != request_key(IDENTITY, back)


def test_the_key_is_the_same_in_another_process() -> None:
    code = f"from tasks.models import Request, request_key; print(request_key({IDENTITY!r}, {REQUEST!r}))"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == request_key(IDENTITY, REQUEST)


@given(st.text(), st.text())
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    keys = {
        request_key(IDENTITY, Request(messages=[Message(role="user", content=text)], max_output_tokens=20))
        for text in (one, other)
    }
    assert len(keys) == len({one, other})


@given(st.lists(st.integers(0, 500)), st.integers(1, 9))
def test_every_position_is_in_one_batch_and_the_longest_come_first(lengths: list[int], size: int) -> None:
    batches = list(in_batches(lengths, size))
    order = [position for batch in batches for position in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[position] for position in order] == sorted(lengths, reverse=True)
    assert all(len(batch) <= size for batch in batches)
