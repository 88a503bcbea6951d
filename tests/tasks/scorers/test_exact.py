import pytest

from tasks.scorers import Exact

STRICT = Exact(scorer="exact")
SQUAD = Exact(scorer="exact", normalised=True)


@pytest.mark.parametrize(
    ("text", "strict", "normalised"),
    [
        ("It left today.", 1.0, 1.0),
        (" It left today.\n", 1.0, 1.0),
        ("It left  today.", 0.0, 1.0),
        ("it left today", 0.0, 1.0),
        ("The it left today!", 0.0, 1.0),
        ("It left today, yes.", 0.0, 0.0),
        ("today It left.", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_only_what_is_said_to_make_no_difference_makes_none(text: str, strict: float, normalised: float) -> None:
    assert STRICT.score(text, "It left today.").value == strict
    assert SQUAD.score(text, "It left today.").value == normalised


def test_both_texts_are_shown_where_they_differ() -> None:
    assert STRICT.score("yes", "no") == (0.0, "'yes', not 'no'")
