"""A judge that is ten lines: it says what it is told to, in turn, and counts what it is asked."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import TypeAdapter

from tasks.judges import Case, Dimension, Pair
from tasks.models import Answer, Answered, Budget, Hand, Request
from tests.tasks.toys import said

Say = Callable[[Request], str | Answer]

DIMENSIONS = TypeAdapter[list[Dimension]](list[Dimension]).validate_python(
    [
        {"name": name, "question": f"How is the {name}?", "levels": ["poor", "fair", "good", "better", "best"]}
        for name in ("accuracy", "style")
    ]
)


class ToyJudge:
    """Says what a function of the request gives."""

    def __init__(self, say: Say) -> None:
        self.say, self.asked, self.model = say, list[Request](), "toy"

    def identity(self) -> dict[str, Any]:
        return {"provider": "toy judge"}

    def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
        for position, request in enumerate(requests):
            self.asked.append(request)
            given = self.say(request)
            yield [Answered(position, given if isinstance(given, Answer) else Answer(text=given))]


def hand() -> Hand:
    return Hand("filter", Budget(project="judged", run="one"))


def levels(accuracy: object, style: object = 5) -> str:
    given = {"accuracy": accuracy, "style": style}
    return json.dumps({name: {"reason": f"{name} is so", "level": level} for name, level in given.items()})


def better(which: str) -> str:
    return json.dumps({"reason": "it is", "better": which})


def case(text: str, row: str = "one") -> Case:
    return Case(row, said(f"the question of {row}"), text)


def pair(a: str, b: str, row: str = "one") -> Pair:
    return Pair(row, said(f"the question of {row}"), a, b)
