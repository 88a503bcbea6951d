from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tasks.models import Answer, Answered, Budget, Hand, Ledger, Question, Request
from tasks.rows import Message


class Toy:
    """Answers in upper case, two at a time from the last to the first, and counts what it is asked."""

    def __init__(self, dies_at: str = "", fails: str = "", error: str = "overloaded") -> None:
        self.asked, self.dies_at, self.fails, self.error = Counter[str](), dies_at, fails, error

    def identity(self) -> dict[str, Any]:
        return {"provider": "toy"}

    def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
        for start in reversed(range(0, len(requests), 2)):
            texts = [each.messages[0]["content"] for each in requests[start : start + 2]]
            if self.dies_at in texts and self.dies_at:
                raise RuntimeError("pulled the plug")
            self.asked.update(texts)
            yield [Answered(start + at, self._say(text)) for at, text in enumerate(texts)]

    def _say(self, text: str) -> Answer:
        return Answer(error=self.error) if text == self.fails else Answer(text=text.upper())


def questions(texts: str) -> list[Question]:
    return [
        Question(text, Request(messages=[Message(role="user", content=text)], max_output_tokens=9)) for text in texts
    ]


def put(model: Toy, texts: str) -> tuple[str, int]:
    asked = Hand("toy", Budget(project="toys", run="one")).ask(model, questions(texts), len(texts))
    return "".join(answer.text or "!" for answer in asked.answers()), asked.asked


def test_answers_come_in_the_order_of_their_requests() -> None:
    assert put(Toy(), "edcba") == ("EDCBA", 5)


def test_equal_requests_are_asked_once() -> None:
    model = Toy()
    assert put(model, "abacab") == ("ABACAB", 3)
    assert model.asked == Counter("abc")


def test_what_was_asked_before_is_not_asked_again() -> None:
    model = Toy()
    put(model, "abc")
    assert put(model, "abc") == ("ABC", 0)
    assert put(model, "dab") == ("DAB", 1)
    assert model.asked == Counter("abcd")


def test_nothing_is_asked_for_no_requests() -> None:
    assert put(Toy(), "") == ("", 0)


def test_a_model_that_dies_loses_nothing_that_it_answered() -> None:
    dying, living = Toy(dies_at="b"), Toy()
    with pytest.raises(RuntimeError, match="pulled the plug"):
        put(dying, "abcdef")
    assert put(living, "abcdef") == ("ABCDEF", 2)
    assert dying.asked + living.asked == Counter("abcdef")


def test_an_answer_is_recorded_before_the_next_is_waited_for() -> None:
    class Watched(Toy):
        def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
            for given, batch in enumerate(super().answer(requests)):
                assert len(list(Ledger().lines())) == 2 * given
                yield batch

    assert put(Watched(), "abcdef") == ("ABCDEF", 6)


def test_a_failed_request_is_an_answer_and_is_asked_again_next_time() -> None:
    failing, living = Toy(fails="b"), Toy()
    assert put(failing, "abc") == ("A!C", 3)
    assert put(living, "abc") == ("ABC", 1)
    assert living.asked == Counter("b")


def test_requests_that_may_be_answered_yet_are_counted_and_those_that_never_will_are_not() -> None:
    hand = Hand("toy", Budget(project="toys", run="one"))
    hand.ask(Toy(fails="b"), questions("abab"), 4)
    assert hand.failed == 1, "equal requests fail once"
    hand.ask(Toy(), questions("ab"), 2)
    hand.ask(Toy(fails="c", error="context_too_long: 9 tokens"), questions("cd"), 2)
    assert hand.failed == 1
