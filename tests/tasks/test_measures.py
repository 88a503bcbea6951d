import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.evidence import Scores
from tasks.gate import judge
from tasks.measures import differences, estimates, usage
from tasks.models import Answer
from tasks.rows import Scored
from tasks.scorers import Labels
from tasks.systems import scored as as_scored
from tests.tasks.gate.figures import rule
from tests.tasks.toys import a_kept


def scored(*answers: Answer) -> list[Scored]:
    return [
        as_scored("student", a_kept(f"row-{number}"), "holdout", answer, {}) for number, answer in enumerate(answers)
    ]


def marked(system: str, slice: str, metrics: dict[str, float], text: str = "", error: str = "") -> Scored:
    return as_scored(system, a_kept("row", slice=slice), "holdout", Answer(text=text, error=error), metrics)


def test_a_slice_of_which_no_verdict_could_be_read_is_there_and_settles_nothing() -> None:
    marks = {"read": {"tone": 1.0}, "unread": {}}
    rows = [marked(system, slice, own) for system in ("student", "base") for slice, own in marks.items()]
    measured = Scores(estimates=list(estimates(rows)), differences=list(differences(rows)))
    unread = [each for each in measured.estimates if (each.system, each.slice) == ("student", "unread")]
    assert [(each.low, each.high, each.n, each.unjudged) for each in unread] == [(0.0, 1.0, 0, 1)]
    less = [each for each in measured.differences if each.slice == "unread"]
    assert [(each.low, each.high, each.n, each.unjudged) for each in less] == [(-1.0, 1.0, 0, 1)]
    absolute = rule(metric="tone", at_least=0.01, slice="each")
    relative = rule(metric="tone", versus="base", better_by=0.0, slice="worst")
    assert [each.holds for each in judge(absolute, measured)] == ["yes", "unsettled"]
    [worst] = judge(relative, measured, 0.99)
    assert worst.holds == "unsettled"
    assert "1 more have no readable verdict" in judge(absolute, measured)[1].words


@pytest.mark.parametrize(("text", "error"), [("none of them", ""), ("status", "timed out"), ("", "")])
def test_nothing_is_right_where_the_reference_has_no_label(text: str, error: str) -> None:
    scorer = Labels(scorer="labels", labels=["status"])
    both = [marked(system, "all", {"label": 0.0}, text, error) for system in ("student", "base")]
    found = {each.metric: each.mean for each in estimates(both, [scorer]) if each.system == "student"}
    assert found == {"label": 0.0, "label_macro_f1": 0.0}


@given(st.lists(st.floats(0, 100), min_size=1))
def test_one_request_in_twenty_takes_longer_than_the_95th_percentile(seconds: list[float]) -> None:
    [shown] = usage(scored(*(Answer(seconds=each) for each in seconds)))
    assert shown.seconds_median <= shown.seconds_p95 * (1 + 1e-9)
    assert sum(each > shown.seconds_p95 * (1 + 1e-9) for each in seconds) <= len(seconds) / 20 + 1
    assert min(seconds) <= shown.seconds_p95 * (1 + 1e-9)
    assert shown.seconds_p95 <= max(seconds) * (1 + 1e-9)


def test_a_hundred_even_requests_have_their_95th_percentile_near_the_95th() -> None:
    [shown] = usage(scored(*(Answer(seconds=float(second)) for second in range(101))))
    assert shown.seconds_p95 == pytest.approx(95.0)


def test_what_the_cache_gave_and_what_was_cut_off_is_counted() -> None:
    cut = Answer(finish_reason="length", input_tokens=100, cached_tokens=80, cache_write_tokens=10)
    [shown] = usage(scored(cut, Answer(finish_reason="stop", input_tokens=100)))
    assert (shown.input_tokens, shown.cached_tokens, shown.cache_write_tokens) == (100.0, 40.0, 5.0)
    assert shown.cut_off == 1
