import time

import pytest

from tasks.errors import ProjectError
from tasks.scorers import Pattern, marks

ORDER = Pattern(scorer="pattern", name="order_number", pattern=r"HF-\d{5}", whole=False, field="reply")
BOMB = Pattern(scorer="pattern", pattern=r"(a|a|aa)+b\1$")
ENDLESS = "a" * 5_000


@pytest.mark.parametrize(
    ("text", "value", "seen"),
    [
        ('{"reply": "Order HF-20418 left."}', 1.0, ""),
        ('{"reply": "It left."}', 0.0, "no match: 'It left.'"),
        ("HF-20418", 0.0, "no text in `reply`"),
    ],
)
def test_full_marks_for_what_matches(text: str, value: float, seen: str) -> None:
    assert ORDER.score(text, "") == (value, seen)


def test_an_answer_on_which_it_comes_to_no_end_gets_none_and_the_next_is_scored() -> None:
    started = time.process_time()  # as the time limit is
    endless, other = marks(BOMB, [ENDLESS, "aabaa"], ["", ""])
    assert endless.value == 0.0
    assert "came to no end" in endless.evidence
    assert other.value in {0.0, 1.0}
    assert time.process_time() - started < 10


def test_a_pattern_that_comes_to_no_end_again_and_again_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.scorers.pattern._SECONDS", 0.01)
    with pytest.raises(ProjectError, match=r"pattern `pattern`: .* came to no end within 0.01 s on 11 answers"):
        marks(BOMB, [ENDLESS] * 50, [""] * 50)
