from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tasks.few_shot import FewShot
from tasks.models import Answer, Answered, Budget, Hand, Request
from tasks.scorers import Fields
from tasks.systems import System, Systems
from tests.tasks.toys import a_kept

INTENT = Fields(scorer="fields", name="intent", fields=["intent"])
TRAIN = [a_kept(f"train-{number}", slice=f"slice-{number % 3}") for number in range(9)]
VALIDATION = [a_kept(f"watched-{number}") for number in range(4)]


class ToyBase:
    """Answers rightly where it is shown so many examples or more."""

    def __init__(self, wants: int) -> None:
        self.wants, self.asked = wants, list[Request]()

    def identity(self) -> dict[str, Any]:
        return {"provider": "toy base", "wants": self.wants}

    def answer(self, requests: Sequence[Request]) -> Iterator[list[Answered]]:
        for position, request in enumerate(requests):
            self.asked.append(request)
            yield [Answered(position, Answer(text=VALIDATION[0]["completion"] if self._right(request) else "{}"))]

    def _right(self, request: Request) -> bool:
        return sum(message["role"] == "assistant" for message in request.messages) >= self.wants


def systems(base: ToyBase) -> Systems:
    return Systems([System("base", base, "Sort.", 9)], [INTENT], Hand("evaluate", Budget(project="toys", run="one")))


def shown(systems: Systems) -> int:
    return len(systems["base"].examples) // 2


@pytest.mark.parametrize(("wants", "best"), [(0, 0), (1, 2), (4, 4), (9, 0)])
def test_the_fewest_examples_of_those_that_do_best_are_kept(wants: int, best: int) -> None:
    asked = systems(ToyBase(wants))
    tried = FewShot(examples=[4, 0, 2]).choose(asked, TRAIN, VALIDATION)
    assert {each.examples: each.mean for each in tried} == {count: float(count >= wants) for count in (0, 2, 4)}
    assert shown(asked) == best


def test_examples_are_solved_rows_of_training_and_of_as_many_slices_as_there_are() -> None:
    asked = systems(ToyBase(0))
    FewShot(examples=[3]).choose(asked, TRAIN, VALIDATION)
    said = [message["content"] for message in asked["base"].examples if message["role"] == "user"]
    rows = [row for row in TRAIN if row["messages"][0]["content"] in said]
    assert {row["slice"] for row in rows} == {"slice-0", "slice-1", "slice-2"}


def test_they_stand_between_the_instruction_and_the_row() -> None:
    asked = systems(ToyBase(0))
    FewShot(examples=[1]).choose(asked, TRAIN, VALIDATION)
    asked.scored("base", {"holdout": VALIDATION[:1]})
    [request] = asked["base"].model.asked  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType]
    assert [message["role"] for message in request.messages] == ["system", "user", "assistant", "user"]


def test_neither_the_order_of_the_rows_nor_that_of_the_choices_matters() -> None:
    one, other = systems(ToyBase(2)), systems(ToyBase(2))
    FewShot(examples=[0, 4]).choose(one, TRAIN, VALIDATION)
    FewShot(examples=[4, 0]).choose(other, TRAIN[::-1], VALIDATION[::-1])
    assert one["base"] == other["base"]._replace(model=one["base"].model)


def test_without_a_choice_or_without_validation_rows_nothing_is_asked() -> None:
    for few_shot, rows in ((FewShot(examples=[2]), VALIDATION), (FewShot(examples=[2, 4]), [])):
        base = ToyBase(0)
        asked = systems(base)
        assert few_shot.choose(asked, TRAIN, rows) == []
        assert (shown(asked), base.asked) == (2, [])


def test_no_more_validation_rows_are_asked_than_are_allowed() -> None:
    base = ToyBase(0)
    FewShot(examples=[0, 1], rows=3).choose(systems(base), TRAIN, VALIDATION)
    assert len(base.asked) == 6
