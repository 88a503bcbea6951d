from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.judges import AnyScorer, PreferenceScorer, RubricScorer, metrics
from tasks.scorers import Exact, Scorer

ADAPTER: TypeAdapter[Any] = TypeAdapter(AnyScorer)
MODEL = {"model": {"provider": "openai", "model": "gpt-5"}}


def test_whatever_scores_is_chosen_by_its_name() -> None:
    assert isinstance(ADAPTER.validate_python({"scorer": "exact"}), Exact)
    assert isinstance(ADAPTER.validate_python({"scorer": "rubric", "rubric": MODEL}), RubricScorer)
    assert isinstance(ADAPTER.validate_python({"scorer": "preference", "judge": MODEL}), PreferenceScorer)
    with pytest.raises(ValidationError, match="'exact', 'labels'"):
        ADAPTER.validate_python({"scorer": "vibes"})


def test_judges_are_all_that_it_has_beyond_the_scorers() -> None:
    assert get_args(get_args(AnyScorer)[0]) == (Scorer, RubricScorer, PreferenceScorer)


def test_each_names_its_metrics() -> None:
    assert metrics(ADAPTER.validate_python({"scorer": "exact", "name": "same"})) == ["same"]
    assert metrics(ADAPTER.validate_python({"scorer": "preference", "judge": MODEL})) == ["preference"]
    assert metrics(ADAPTER.validate_python({"scorer": "rubric", "name": "desk", "rubric": MODEL})) == [
        "desk_accuracy",
        "desk_style",
        "desk_format",
        "desk_edge_cases",
    ]
