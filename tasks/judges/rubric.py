"""A rubric: named dimensions with anchored levels, each answered with a level and a reason."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.judges.judge import Judge, Shown
from tasks.judges.reading import Unreadable, object_schema, read_object
from tasks.models import Answer, Hand
from tasks.rows import Message

_TASK = """\
You judge how well an answer does what its conversation asks for. Judge each dimension by itself, by the words of its \
levels; between two levels, give the lower. Length is no merit.

{dimensions}

Answer with one JSON object alone. It has a field for each dimension: an object with `reason`, one sentence on what \
decides, and then `level`, a number."""

_REFERENCE = """\
You are shown a reference too: an answer to the same conversation that is known to be good. What says the same in \
other words is as good. Judge the answer, not the reference."""


class Dimension(BaseModel):
    """One thing that answers are judged by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Lower-case letters, digits and underscores.")
    question: str = Field(min_length=1, description="What the judge asks itself.")
    levels: list[str] = Field(
        min_length=2, max_length=10, description="Each level in words; level 1, the worst, first."
    )

    def words(self) -> str:
        """The dimension as the judge reads it."""
        levels = [f"  {level}: {meaning}" for level, meaning in enumerate(self.levels, start=1)]
        return "\n".join([f"{self.name}: {self.question}", *levels])


ACCURACY = Dimension(
    name="accuracy",
    question="Is what the answer says right, and is all said that matters?",
    levels=[
        "Wrong in what matters, or about something else.",
        "A material error, something made up, or something that matters left out.",
        "Right in what matters; a slip that changes nothing for whoever reads it.",
        "Right; a detail that would have helped is missing.",
        "Right and complete.",
    ],
)
STYLE = Dimension(
    name="style",
    question="Is it said as was asked for, or as the situation asks: tone, choice of words, length?",
    levels=[
        "Against what was asked for throughout.",
        "Departs from it plainly.",
        "Fits, but for a place or two.",
        "Fits; a word could be better chosen.",
        "Fits throughout.",
    ],
)
FORMAT = Dimension(
    name="format",
    question="Has the answer the form that was asked for?",
    levels=[
        "Another form altogether.",
        "The form, with a part missing or wrong.",
        "The form, with something needless that does no harm.",
        "The form; a detail is untidy.",
        "Exactly the form.",
    ],
)
EDGE_CASES = Dimension(
    name="edge_cases",
    question="How does it deal with what is unusual here: missing, contradictory, out of scope, or meant to mislead?",
    levels=[
        "Is misled by it.",
        "Passes over it.",
        "Sees it, and deals with it well enough.",
        "Deals with it well.",
        "Deals with it just as it should, or nothing here is unusual.",
    ],
)


class Level(NamedTuple):
    """How far an answer comes in one dimension, and why."""

    level: int
    reason: str


Levels = dict[str, Level]


class Case(NamedTuple):
    """An answer to be judged: the row that it belongs to, its conversation, its text, and what to hold it against."""

    row: str
    messages: list[Message]
    text: str
    reference: str | None = None


class Rubric(Judge):
    """A judge that gives every answer a level in each of some dimensions."""

    dimensions: list[Dimension] = Field(
        default=[ACCURACY, STYLE, FORMAT, EDGE_CASES], min_length=1, description="What answers are judged by."
    )

    @model_validator(mode="after")
    def _told_apart(self) -> "Rubric":
        names = [dimension.name for dimension in self.dimensions]
        if len(set(names)) < len(names):
            raise ValueError(f"dimensions: the names {sorted(names)} are not all different")
        return self

    @property
    def schema_asked_for(self) -> dict[str, Any]:
        """The JSON Schema of a verdict."""
        return object_schema({dimension.name: _schema(dimension) for dimension in self.dimensions})

    def judge(self, hand: Hand, cases: Sequence[Case], sample: int = 0) -> list[Levels | Unreadable]:
        """The verdict on each answer, in order. Raises as `Hand.ask`."""
        wanted = [_shown(case) for case in cases]
        return self.ask_until_read(hand, wanted, self._task(cases), self.schema_asked_for, self.read, sample)

    def judges_anew(self, case: Case, sample: int) -> bool:
        """Whether another sample may give the answer another verdict."""
        return self.says_anew(_shown(case), self._task([case]), self.schema_asked_for, sample)

    def read(self, answer: Answer) -> Levels | Unreadable:
        """The levels in a verdict; all of them, or none."""
        said = read_object(answer, self.schema_asked_for)
        if isinstance(said, Unreadable):
            return said
        given = {dimension.name: said[dimension.name] for dimension in self.dimensions}
        return {name: Level(int(each["level"]), each["reason"]) for name, each in given.items()}

    def _task(self, cases: Sequence[Case]) -> str:
        task = _TASK.format(dimensions="\n".join(dimension.words() for dimension in self.dimensions))
        return f"{task}\n\n{_REFERENCE}" if any(case.reference is not None for case in cases) else task


def transcript(messages: Sequence[Message]) -> str:
    """A conversation as the judge reads it."""
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)


def _shown(case: Case) -> Shown:
    reference = {} if case.reference is None else {"reference": case.reference}
    return Shown(case.row, {"conversation": transcript(case.messages)} | reference | {"answer": case.text})


def _schema(dimension: Dimension) -> dict[str, Any]:
    level = {"type": "integer", "enum": list(range(1, len(dimension.levels) + 1))}
    return object_schema({"reason": {"type": "string"}, "level": level})
