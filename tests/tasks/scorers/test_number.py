import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scorers import Number

finite = st.floats(allow_nan=False, allow_infinity=False)


def number(**config: Any) -> Number:
    return Number.model_validate({"scorer": "number"} | config)


@given(given_=finite, wanted=finite, absolute=st.floats(0, 1e6), relative=st.floats(0, 1))
def test_the_greater_tolerance_counts(given_: float, wanted: float, absolute: float, relative: float) -> None:
    value = number(absolute=absolute, relative=relative).score(repr(given_), repr(wanted)).value
    off, allowed = abs(given_ - wanted), max(absolute, relative * abs(wanted))
    if not math.isclose(off, allowed, rel_tol=1e-9):
        assert value == float(off <= allowed)


@pytest.mark.parametrize(
    ("config", "text", "reference", "value"),
    [
        ({"absolute": 0.1}, "1.1", "1.0", 1.0),
        ({"absolute": 0.1}, "1.11", "1.0", 0.0),
        ({"relative": 0.1}, "110", "100", 1.0),
        ({"relative": 0.1}, "100", "111.2", 0.0),
        ({}, "1e2", "100", 1.0),
        ({}, "1234567890123", "1234567890124", 0.0),
        ({"unit": "$"}, "-$5", "-5", 1.0),
        ({"unit": "kg"}, " +5 kg\n", "5kg", 1.0),
        ({"unit": "%"}, "5", "5%", 1.0),
        ({"written": "1,234.5"}, "1,234,567.5", "1234567.5", 1.0),
        ({"written": "1.234,5"}, "1.234,5", "1234,5", 1.0),
        ({"written": "1 234,5"}, "1\N{NARROW NO-BREAK SPACE}234,5", "1 234,50", 1.0),
        ({"field": "total"}, '{"total": 12.5}', '{"total": "12.50"}', 1.0),
        ({"field": "total", "unit": "$"}, '{"total": "$12.50"}', '{"total": 12.5}', 1.0),
    ],
)
def test_numbers_are_read_as_they_are_said_to_be_written(
    config: dict[str, Any], text: str, reference: str, value: float
) -> None:
    assert number(**config).score(text, reference).value == value


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "The total is 5."),
        ({}, "5 or 6"),
        ({}, "5."),
        ({}, "1,234"),
        ({}, "5 kg"),
        ({}, "0x10"),
        ({}, "٥"),
        ({}, "1e999"),
        ({}, "nan"),
        ({}, "inf"),
        ({}, "1_000"),
        ({}, ""),
        ({"written": "1,234.5"}, "12,34"),
        ({"written": "1,234.5"}, "1,2345"),
        ({"unit": "kg"}, "5 g"),
        ({"field": "total"}, '{"total": true}'),
        ({"field": "total"}, '{"total": [5]}'),
        ({"field": "total"}, "5"),
    ],
)
def test_what_is_no_number_so_written_gets_no_marks_though_the_reference_be_the_same(
    config: dict[str, Any], text: str
) -> None:
    assert number(**config).score(text, text) == (0.0, f"no number: {text!r}")


def test_it_says_how_far_off_the_number_is() -> None:
    assert number().score("12.5", "13") == (0.0, "12.5, not 13: 0.5 off")
    assert number().score("12", "a dozen") == (0.0, "the reference has no number: 'a dozen'")
