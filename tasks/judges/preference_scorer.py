"""A preference as a scorer: the student's answer against another system's to the same row."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from tasks.evidence import Judging, Measure
from tasks.judges.judge import called
from tasks.judges.pairwise import Compared, Outcome, Pair, Pairwise
from tasks.judges.reading import Unreadable, refuse_unjudged
from tasks.judges.reliability import alarm, reliability
from tasks.models import Answer, AnyModel, Hand, Question
from tasks.rows import Kept

Opponent = Literal["teacher", "base", "champion"]

_VALUES: dict[Outcome, float] = {"A": 1.0, "B": -1.0, "tie": 0.0, "inconsistent": 0.0}


class Preferences(NamedTuple):
    """By opponent, what each row came to for the student, in order; and what the metric rests on.

    1 where the student wins, -1 where it loses, 0 where neither does; None where the verdict could not be read.
    """

    values: dict[str, list[float | None]]
    judging: Judging


class _Meeting(NamedTuple):
    opponent: str
    row: Kept
    own: Answer
    other: Answer

    @property
    def settled(self) -> float | None:
        """What the two come to before anybody is asked; None where a judge must be."""
        if self.own.error or self.other.error:
            return -1.0 if self.own.error else 1.0
        return 0.0 if self.own.text == self.other.text else None

    def pair(self) -> Pair:
        return Pair(self.row["id"], self.row["messages"], self.own.text, self.other.text)


class PreferenceScorer(BaseModel):
    """Whether a judge prefers the student's answer to another system's, asked in both orders.

    Orders that disagree are a tie. So are equal answers, and nobody is asked; nor where an answer failed: the student's
    own loses, even to another that failed, and otherwise it wins. A verdict that cannot be read is an error, no tie.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["preference"]
    name: str = Field(default="preference", description="The metric's name.")
    judge: Pairwise = Field(description="The judge, and what it asks itself.")
    versus: list[Opponent] = Field(
        default=["teacher", "base", "champion"], min_length=1, description="Whom the student is compared with."
    )
    max_unjudged_share: float = Field(
        default=0.05, ge=0, le=1, description="The share of pairs without a verdict above which the stage stops."
    )
    same_as_teacher: bool = Field(
        default=False, description="Insists on a judge that is a teacher itself; the evidence then says so."
    )

    @field_validator("versus")
    @classmethod
    def _each_once(cls, versus: list[Opponent]) -> list[Opponent]:
        if len(set(versus)) < len(versus):
            raise ValueError("a system stands here twice; name each once")
        return versus

    @property
    def model(self) -> AnyModel:
        """Who judges."""
        return self.judge.model

    def score_all(
        self, hand: Hand, rows: Sequence[Kept], student: Sequence[Answer], others: Mapping[str, Sequence[Answer]]
    ) -> Preferences:
        """The student's answers to these rows against those of the other systems that are there.

        Raises as `Hand.ask`, and `StageFailed` where too many pairs have no verdict.
        """
        met = list(self._meetings(rows, student, others))
        compared = self.judge.compare(hand, [meeting.pair() for meeting in met if meeting.settled is None])
        refuse_unjudged([_said(each) for each in compared], self.max_unjudged_share, hand.stage, self.name)
        given = iter(compared)
        values: dict[str, list[float | None]] = {name: [] for name in self.versus if name in others}
        for meeting in met:
            settled = meeting.settled
            values[meeting.opponent].append(_VALUES.get(next(given).outcome) if settled is None else settled)
        return Preferences(values, self._judging(compared))

    def questions(
        self, rows: Sequence[Kept], student: Sequence[Answer], others: Mapping[str, Sequence[Answer]]
    ) -> list[Question]:
        """What the judge is asked first about these answers."""
        met = self._meetings(rows, student, others)
        return self.judge.questions([meeting.pair() for meeting in met if meeting.settled is None])

    def _meetings(
        self, rows: Sequence[Kept], student: Sequence[Answer], others: Mapping[str, Sequence[Answer]]
    ) -> Iterator[_Meeting]:
        for name in self.versus:
            if name in others:
                for row, own, other in zip(rows, student, others[name], strict=True):
                    yield _Meeting(name, row, own, other)

    def _judging(self, compared: Sequence[Compared]) -> Judging:
        shown = reliability(compared)
        return Judging(
            metric=self.name,
            judge=called(self.model),
            verdicts=len(compared),
            unreadable=shown.unreadable,
            across_orders=Measure(**shown.across_orders.observed._asdict()),
            first_wins=Measure(**shown.first_wins._asdict()),
            same_as_teacher=self.same_as_teacher,
            alarm=alarm(shown) if compared else "",
        )


def _said(compared: Compared) -> Compared | Unreadable:
    unread = [each for each in (compared.a_first, compared.b_first) if isinstance(each, Unreadable)]
    return unread[0] if unread else compared
