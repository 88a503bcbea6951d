from collections.abc import Sequence

import pytest

from tasks.errors import StageFailed
from tasks.judges import Pairwise, PreferenceScorer, Rubric, RubricScorer
from tasks.judging import Judged, judge
from tasks.measures import differences, estimates
from tasks.models import Answer, Request
from tasks.rows import Kept, Scored
from tasks.statistics import mean_interval
from tests.tasks.judges.toys import DIMENSIONS, Say, ToyJudge, better, hand, levels
from tests.tasks.toys import a_kept

ROWS = [a_kept(f"row-{number}") for number in range(8)]
NONSENSE = "I would rather not say."


def rubric(say: Say) -> RubricScorer:
    own = Rubric.model_construct(model=ToyJudge(say), dimensions=DIMENSIONS, instruction=None, max_output_tokens=99)
    return RubricScorer.model_construct(
        scorer="rubric", name="judge", rubric=own, again=0, reference=False, same_as_teacher=False,
        max_unjudged_share=0.5,
    )  # fmt: skip


def preference(say: Say) -> PreferenceScorer:
    own = Pairwise.model_construct(model=ToyJudge(say), question="Which?", instruction=None, max_output_tokens=99)
    return PreferenceScorer.model_construct(
        scorer="preference", name="preference", judge=own, versus=["base", "champion"], max_unjudged_share=0.5,
        same_as_teacher=False,
    )  # fmt: skip


def a_scored(row: Kept, system: str, text: str, error: str = "") -> Scored:
    return Scored(
        id=row["id"], slice=row["slice"], group=row["group"], part="holdout", system=system, text=text,
        reference=row["reference"], approved=False, error=error, finish_reason="stop", input_tokens=1,
        cached_tokens=0, cache_write_tokens=0, output_tokens=1,
        seconds=0.1,
        scores={"exact": 0.0 if error else 1.0},
    )  # fmt: skip


def answered(student: str = "good", base: str = "poor", errors: Sequence[str] = ()) -> list[Scored]:
    own = [
        a_scored(row, "student", "" if row["id"] in errors else student, "down" * (row["id"] in errors)) for row in ROWS
    ]
    return [*[a_scored(row, "base", base) for row in ROWS], *own]


def good_is_best(request: Request) -> str:
    return levels(5, 5) if "good" in request.messages[-1]["content"] else levels(1, 3)


def good_wins(request: Request) -> str:
    text = request.messages[-1]["content"]
    return better("A" if text.index("good") < text.index("poor") else "B")


def marks(judged: Judged, system: str, metric: str) -> list[float | None]:
    return [row["scores"].get(metric) for row in judged.scored if row["system"] == system]


def test_a_rubric_gives_every_system_a_metric_for_each_dimension() -> None:
    judged = judge([rubric(good_is_best)], hand(), ROWS, answered())
    assert marks(judged, "student", "judge_accuracy") == [1.0] * 8
    assert marks(judged, "base", "judge_accuracy") == [0.0] * 8
    assert marks(judged, "base", "judge_style") == [0.5] * 8
    assert [each.metric for each in judged.judging] == ["judge_accuracy", "judge_style"]


def test_a_comparison_gives_the_student_its_share_of_wins_over_each_system_that_is_there() -> None:
    judged = judge([preference(good_wins)], hand(), ROWS, answered(errors=["row-0"]))
    assert marks(judged, "student", "preference_over_base") == [0.0, *[1.0] * 7]
    assert marks(judged, "base", "preference_over_base") == [None] * 8
    assert {each.metric for each in estimates(judged.scored)} == {"exact", "preference_over_base"}
    assert {each.metric for each in differences(judged.scored)} == {"exact"}


def test_what_a_judge_prefers_by_its_place_alone_is_half_a_win() -> None:
    judged = judge([preference(lambda _: better("A"))], hand(), ROWS, answered())
    assert marks(judged, "student", "preference_over_base") == [0.5] * 8
    assert "in both orders" in judged.judging[0].alarm


def test_a_verdict_that_cannot_be_read_is_no_mark_and_widens_the_interval() -> None:
    def unreadable(request: Request) -> str:
        return NONSENSE if "row-3" in request.messages[-1]["content"] else good_is_best(request)

    judged = judge([rubric(unreadable)], hand(), ROWS, answered())
    assert marks(judged, "student", "judge_accuracy") == [1.0, 1.0, 1.0, None, 1.0, 1.0, 1.0, 1.0]
    assert judged.judging[0].unreadable == 2
    seen = [each for each in estimates(judged.scored) if each.metric == "judge_accuracy" and each.slice == "all"]
    for each in seen:
        known = mean_interval([each.mean] * 7, range(7))
        assert (each.n, each.unjudged) == (7, 1)
        assert (each.low, each.high) != (known.low, known.high)
        assert each.low <= known.low <= known.high <= each.high
    [less] = [each for each in differences(judged.scored) if each.metric == "judge_accuracy" and each.slice == "all"]
    assert (less.n, less.unjudged, less.versus) == (7, 1, "base")


def test_a_judge_that_cannot_be_read_too_often_stops_the_stage() -> None:
    with pytest.raises(StageFailed, match="have no verdict"):
        judge([rubric(lambda _: NONSENSE)], hand(), ROWS, answered())


def test_a_judge_that_is_down_is_counted_among_what_may_be_answered_yet() -> None:
    def down_once(request: Request) -> str | Answer:
        return Answer(error="overloaded") if "row-3" in request.messages[-1]["content"] else good_is_best(request)

    asking = hand()
    judged = judge([rubric(down_once)], asking, ROWS, answered())
    assert marks(judged, "student", "judge_accuracy").count(None) == 1
    assert asking.failed == 2, "for the student and for the base"


def test_without_judges_nothing_changes() -> None:
    scored = answered()
    assert judge([], hand(), ROWS, scored) == Judged(scored, [])
