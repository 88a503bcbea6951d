"""Files for training, and what services would refuse in them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import StageFailed
from tasks.rows import Kept, Message
from tasks.trainers.hosted.examples import Rules, check, sent
from tasks.trainers.hosted.fireworks import FireworksTrainer
from tasks.trainers.hosted.openai import OpenAITrainer
from tasks.trainers.hosted.together import TogetherTrainer
from tests.tasks.trainers.lessons import row

LENIENT = Rules("Anybody")


def talk(*roles: str) -> Kept:
    said: Any = row(1) | {"messages": [Message(role=role, content=f"{role} {at}") for at, role in enumerate(roles)]}
    return said


def refused(rows: list[Kept], rules: Rules, most_tokens: int | None = None) -> str:
    with pytest.raises(StageFailed) as failed:
        check(sent(rows, [], "", "last"), rules, most_tokens)
    return str(failed.value)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=5))
def test_every_row_is_one_line_that_reads_back_as_it_was(answers: list[str]) -> None:
    rows = [row(number, completion=answer) for number, answer in enumerate(answers)]
    lines = sent(rows, [], "Be brief.", "last").train.decode().split("\n")[:-1]
    read = [json.loads(line)["messages"] for line in lines]
    assert [each[-1] for each in read] == [{"role": "assistant", "content": answer} for answer in answers]
    assert [each[0] for each in read] == [{"role": "system", "content": "Be brief."}] * len(rows)


def test_only_the_last_answer_is_learned_where_that_is_asked_for() -> None:
    long = talk("user", "assistant", "user")
    weights = [
        [message.get("weight") for message in json.loads(sent([long], [], "", turns).train)["messages"]]
        for turns in ("last", "all")
    ]
    assert weights == [[None, 0, None, None], [None] * 4]


def test_too_few_examples_are_refused_with_how_many_it_takes() -> None:
    assert "9 examples to learn from, and it takes 10 or more" in refused([row(1)] * 9, OpenAITrainer.rules)
    assert "2 examples to learn from, and it takes 3 or more" in refused([row(1)] * 2, FireworksTrainer.rules)
    check(sent([row(1)] * 10, [], "", "last"), OpenAITrainer.rules, None)


def test_roles_must_take_turns_where_the_service_wants_them_to() -> None:
    assert "user and assistant do not take turns" in refused([talk("user", "user")], TogetherTrainer.rules)
    check(sent([talk("system", "user", "assistant", "user")], [], "", "last"), TogetherTrainer.rules, None)
    check(sent([talk("user", "user")], [], "", "last"), LENIENT, None)


def test_what_is_wrong_is_told_by_row_all_at_once() -> None:
    rows = [talk("user", "system"), talk("tool", "user"), row(7, completion=" "), row(8, completion="x " * 400)]
    said = refused(rows, LENIENT, most_tokens=100)
    for words in (
        "message 2 is the system's, which may only be the first",
        "has the roles ['tool']",
        "row 'r-7': message 2 is empty",
        "row 'r-8': has about",
        "100 are the most",
    ):
        assert words in said


def test_a_long_list_of_problems_is_counted() -> None:
    assert "and 70 more" in refused([row(1, completion=" ")] * 120, LENIENT)


def test_a_file_that_is_too_large_is_refused() -> None:
    assert "it takes 100 or fewer" in refused([row(1)] * 3, LENIENT._replace(most_bytes=100))
