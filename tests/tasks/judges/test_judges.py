from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.judges import AnyScorer, PreferenceScorer, RubricScorer
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
