"""Validity under a JSON Schema."""

import json
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

        try:
            self._validator.check_schema(self._schema)
        except (ValueError, SchemaError) as error:
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
