"""Validity under a JSON Schema."""

import json
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.files import File
from tasks.scorers.parsing import Score, as_object


class Schema(BaseModel):
    """1 where the answer is a JSON object that its schema accepts (JSON Schema, draft 2020-12), else 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: Literal["schema"]
    name: str = Field(default="schema", description="The metric's name.")
    schema_file: File = Field(description="The JSON Schema.")

    @model_validator(mode="after")
    def _usable(self) -> "Schema":
        from jsonschema.exceptions import SchemaError
        from referencing.exceptions import Unresolvable

        try:
            if not isinstance(self._schema, dict | bool):
                raise ValueError("it is neither an object nor a boolean")
            self._validator.check_schema(self._schema)
            for reference in _references(self._schema):
                self._validator._resolver.lookup(reference)
        except (ValueError, SchemaError, Unresolvable) as error:
            message = getattr(error, "message", str(error))
            raise ValueError(f"{self.schema_file.path} is not a JSON Schema: {message}") from error
        return self

    def score(self, text: str, reference: str) -> Score:
        """Full marks for whatever the schema accepts."""
        given = as_object(text)
        if given is None:
            return Score(0.0, "not a JSON object")
        problem = next(iter(self._validator.iter_errors(given)), None)
        return Score(1.0) if problem is None else Score(0.0, f"{problem.json_path}: {problem.message}"[:200])

    @cached_property
    def _schema(self) -> Any:
        return json.loads(self.schema_file.text())

    @cached_property
    def _validator(self) -> Any:
        from jsonschema import Draft202012Validator

        return Draft202012Validator(self._schema)


def _references(schema: Any) -> Iterator[str]:
    match schema:
        case dict():
            for name, value in schema.items():
                if name == "$ref" and isinstance(value, str):
                    yield value
                else:
                    yield from _references(value)
        case list():
            for value in schema:
                yield from _references(value)
        case _:
            return
