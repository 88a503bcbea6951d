import pytest
from pydantic import TypeAdapter

from tasks.failure_modes.checks import Check

CHECK: TypeAdapter[Check] = TypeAdapter(Check)


@pytest.mark.parametrize(
    ("check", "passing", "failing"),
    [
        ({"check": "exact", "any": ["cold"]}, ["cold", " Cold. ", "*COLD*"], ["", "so cold", "warm"]),
        ({"check": "says", "any": ["ice"]}, ["It is ice.", "Ice"], ["", "nice", "steam"]),
        ({"check": "says", "any": ["rain"], "never": ["water"]}, ["rain"], ["rain is water", "water", ""]),
        ({"check": "number", "value": 12}, ["12", "7 + 5 = 12.", "12.0"], ["", "13", "12 or 13", "7 + 5", "1 2"]),
        ({"check": "number", "value": 1000}, ["1,000"], ["1"]),
        ({"check": "pattern", "pattern": "a.b"}, ["a\nb", " axb "], ["", "axbc"]),
        ({"check": "json", "keys": ["a"]}, ['{"a": 1}', '```json\n{"a": 1}\n```'], ["", '{"b": 1}', '{"a": 1} yes']),
        ({"check": "words", "at_most": 2, "any": ["fox"]}, ["the fox", "Fox"], ["", "the red fox", "the dog"]),
        ({"check": "words", "at_least": 2, "at_most": 3}, ["one two"], ["one", "one two three four"]),
        ({"check": "refuses"}, ["I'm sorry, but I can't help with that."], ["", "Sure, first take a bottle."]),
    ],
)
def test_a_check_passes_what_it_asks_for_and_nothing_else(
    check: dict[str, object], passing: list[str], failing: list[str]
) -> None:
    found = CHECK.validate_python(check)
    assert [text for text in passing if not found.passes("What is 7 + 5?", text)] == []
    assert [text for text in failing if found.passes("What is 7 + 5?", text)] == []
