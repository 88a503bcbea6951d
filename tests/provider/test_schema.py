import json
from typing import Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from tests.provider.question import Problem
from tests.provider.schema import smallest


class Part(BaseModel):
    name: str = Field(min_length=6)
    worth: float = Field(gt=2)


class Whole(BaseModel):
    part: Part
    parts: list[Part] = Field(min_length=2)
    verdict: Literal["a", "b"]
    either: int | str
    perhaps: str | None
    sure: bool
    below: int = Field(lt=0)


@pytest.mark.parametrize(
    "schema",
    [
        Whole.model_json_schema(),
        {"type": "object"},
        {"type": ["string", "null"], "maxLength": 2},
        {"const": {"a": 1}},
        {"enum": [3, 4]},
        {"type": "array", "items": {"type": "integer", "minimum": 5}, "minItems": 3},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"properties": {"a": {"type": "number"}}, "required": ["a"]},
    ],
)
def test_the_smallest_document_satisfies_its_schema(schema: dict[str, Any]) -> None:
    jsonschema.validate(json.loads(smallest(schema)), schema)


@pytest.mark.parametrize("schema", [{"$ref": "#/$defs/nowhere"}, {"$ref": "#"}, {"anyOf": []}, {"enum": 3}])
def test_a_schema_that_cannot_be_followed_is_a_problem(schema: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="malformed"):
        smallest(schema)
