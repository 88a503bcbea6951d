"""A rubric as a scorer: each of its dimensions is a metric."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasks.artifacts import digest
from tasks.evidence import Judging, Measure
from tasks.judges.judge import called
from tasks.judges.reading import Unreadable, refuse_unjudged
from tasks.judges.reliability import self_agreement, wavering
from tasks.judges.rubric import Case, Dimension, Level, Levels, Rubric
from tasks.models import Answer, AnyModel, Hand, Question
from tasks.rows import Kept
from tasks.scorers import Score


class Graded(NamedTuple):
    """Each answer's scores by metric, in order, or why it has none; and what each metric rests on."""

    scores: list[dict[str, Score] | Unreadable]
    judging: list[Judging]


class RubricScorer(BaseModel):
    """A judge's level in each dimension of a rubric, the lowest as 0 and the highest as 1.

    An answer that failed is not judged: it has no marks. A verdict that cannot be read is an error, and no score.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["rubric"]
    name: str = Field(default="judge", description="What the metrics' names begin with, as in judge_accuracy.")
    rubric: Rubric = Field(description="The judge, and the dimensions that it judges by.")
    reference: bool = Field(
        default=False,
        description="Whether the judge is shown the row's reference, which is the teacher's where nobody approved one.",
    )
    again: int = Field(
        default=20, ge=0, description="How many answers are judged twice, to see how far the judge agrees with itself."
    )
    max_unjudged_share: float = Field(
        default=0.05, ge=0, le=1, description="The share of answers without a verdict above which the stage stops."
    )
    same_as_teacher: bool = Field(
        default=False, description="Insists on a judge that is a teacher itself; the evidence then says so."
    )

    @property
    def model(self) -> AnyModel:
        """Who judges."""
        return self.rubric.model

    def metrics(self) -> list[str]:
        """The names of its metrics, a dimension each."""
        return [self._metric(dimension) for dimension in self.rubric.dimensions]

    def score_all(self, hand: Hand, rows: Sequence[Kept], answers: Sequence[Answer]) -> Graded:
        """The judge's scores of answers to these rows, which may be several systems', one after the other.

        Raises as `Hand.ask`, and `StageFailed` where too many have no verdict.
        """
        cases = self._cases(rows, answers)
        said = self.rubric.judge(hand, cases)
        refuse_unjudged(said, self.max_unjudged_share, hand.stage, self.name)
        given = iter(said)
        scores = [self._failed(answer) if answer.error else self._scores(next(given)) for answer in answers]
        return Graded(scores, list(self._judging(said, self._twice(hand, cases, said))))

    def questions(self, rows: Sequence[Kept], answers: Sequence[Answer]) -> list[Question]:
        """What the judge is asked first about answers to these rows."""
        return self.rubric.questions(self._cases(rows, answers))

    def _cases(self, rows: Sequence[Kept], answers: Sequence[Answer]) -> list[Case]:
        return [
            Case(row["id"], row["messages"], answer.text, row["reference"] if self.reference else None)
            for row, answer in zip(rows, answers, strict=True)
            if not answer.error
        ]

    def _metric(self, dimension: Dimension) -> str:
        return f"{self.name}_{dimension.name}"

    def _failed(self, answer: Answer) -> dict[str, Score]:
        return dict.fromkeys(self.metrics(), Score(0.0, f"no answer: {answer.error}"))

    def _scores(self, said: Levels | Unreadable) -> dict[str, Score] | Unreadable:
        if isinstance(said, Unreadable):
            return said
        return {self._metric(each): _score(said[each.name], len(each.levels)) for each in self.rubric.dimensions}

    def _twice(
        self, hand: Hand, cases: Sequence[Case], said: Sequence[Levels | Unreadable]
    ) -> list[tuple[Levels, Levels]]:
        """What the judge said of some answers, and what it says when it is asked anew.

        Which answers hangs on what they are, not on their order: more rows move few of them.
        """
        both = zip(cases, said, strict=True)
        first = {(case.row, case.text): (case, levels) for case, levels in both if not isinstance(levels, Unreadable)}
        drawn = [first[key] for key in sorted(first, key=digest)[: self.again]]
        chosen = [(case, levels) for case, levels in drawn if self.rubric.judges_anew(case, sample=1)]
        second = self.rubric.judge(hand, [case for case, _ in chosen], sample=1)
        anew = zip(chosen, second, strict=True)
        return [(levels, now) for (_, levels), now in anew if not isinstance(now, Unreadable)]

    def _judging(
        self, said: Sequence[Levels | Unreadable], twice: Sequence[tuple[Levels, Levels]]
    ) -> Iterator[Judging]:
        for dimension in self.rubric.dimensions:
            samples = [[both[sample][dimension.name].level for both in twice] for sample in (0, 1)]
            again = self_agreement(samples)
            yield Judging(
                metric=self._metric(dimension),
                judge=called(self.model),
                verdicts=len(said),
                unreadable=sum(isinstance(each, Unreadable) for each in said),
                again=Measure(**again._asdict()) if twice else None,
                same_as_teacher=self.same_as_teacher,
                alarm=wavering(again),
            )


def _score(given: Level, levels: int) -> Score:
    value = (given.level - 1) / (levels - 1)
    return Score(value, "" if value == 1.0 else f"{given.level} of {levels}: {given.reason}")
