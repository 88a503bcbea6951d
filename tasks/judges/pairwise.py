"""Which of two answers is better, asked in both orders: a preference that hangs on the order is none."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from tasks.judges.judge import Judge, Shown
from tasks.judges.reading import Unreadable, object_schema, read_object
from tasks.judges.rubric import transcript
from tasks.models import Answer, Hand, Question
from tasks.rows import Message

_TASK = """\
You compare two answers, A and B, to the same conversation. {question} The order in which they stand means nothing, \
and length is no merit.

Answer with one JSON object alone: `reason`, one sentence on what decides, and then `better`: "A", "B", or "tie" where \
neither is better."""

Better = Literal["A", "B", "tie"]
Outcome = Literal["A", "B", "tie", "inconsistent", "unreadable"]

_SWAPPED: dict[Better, Better] = {"A": "B", "B": "A", "tie": "tie"}
_SCHEMA: dict[str, Any] = object_schema(
    {"reason": {"type": "string"}, "better": {"type": "string", "enum": list(_SWAPPED)}}
)


class Pair(NamedTuple):
    """Two answers to the same conversation: A and B."""

    row: str
    messages: list[Message]
    a: str
    b: str


class Preference(NamedTuple):
    """Which of the two is better, and why. The reason calls A whichever was shown first."""

    better: Better
    reason: str


class Compared(NamedTuple):
    """What a judge said of a pair when A was shown first, and when B was; `better` names the pair's own A and B."""

    a_first: Preference | Unreadable
    b_first: Preference | Unreadable

    @property
    def outcome(self) -> Outcome:
        """What both orders say; a pair counts only where both can be read and say the same."""
        if isinstance(self.a_first, Unreadable) or isinstance(self.b_first, Unreadable):
            return "unreadable"
        return self.a_first.better if self.a_first.better == self.b_first.better else "inconsistent"


class Pairwise(Judge):
    """A judge that prefers one of two answers, or neither."""

    question: str = Field(
        default="Which of them does better what the conversation asks for?",
        min_length=1,
        description="What the judge asks itself.",
    )

    def compare(self, hand: Hand, pairs: Sequence[Pair], sample: int = 0) -> list[Compared]:
        """What the judge says of each pair in both orders. Raises as `Hand.ask`."""
        said = self.ask_until_read(hand, _both_orders(pairs), self._task(), _SCHEMA, read_preference, sample)
        halves = zip(said[: len(pairs)], said[len(pairs) :], strict=True)
        return [Compared(a_first, swapped(b_first)) for a_first, b_first in halves]

    def questions(self, pairs: Sequence[Pair]) -> list[Question]:
        """What it is asked first about the pairs."""
        return self.first_tries(_both_orders(pairs), self._task(), _SCHEMA)

    def _task(self) -> str:
        return _TASK.format(question=self.question)


def read_preference(answer: Answer) -> Preference | Unreadable:
    """The preference in a verdict; A is whichever was shown first."""
    said = read_object(answer, _SCHEMA)
    return said if isinstance(said, Unreadable) else Preference(said["better"], said["reason"])


def swapped(said: Preference | Unreadable) -> Preference | Unreadable:
    """What was said of a pair shown in the other order, in the pair's own names."""
    return said if isinstance(said, Unreadable) else said._replace(better=_SWAPPED[said.better])


def _both_orders(pairs: Sequence[Pair]) -> list[Shown]:
    return [_shown(pair) for pair in pairs] + [_shown(pair._replace(a=pair.b, b=pair.a)) for pair in pairs]


def _shown(pair: Pair) -> Shown:
    return Shown(pair.row, {"conversation": transcript(pair.messages), "answer A": pair.a, "answer B": pair.b})
