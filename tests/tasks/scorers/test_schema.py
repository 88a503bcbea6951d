import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.scorers import Schema
from tests.conftest import ROOT


def scorer(path: Path) -> Schema:
    return Schema.model_validate({"scorer": "schema", "schema_file": path})


def written(folder: Path, schema: object) -> Path:
    path = folder / "schema.json"
    path.write_text(schema if isinstance(schema, str) else json.dumps(schema), encoding="utf-8")
    return path


SUPPORT = scorer(ROOT / "data" / "support" / "schema.json")
GOOD = {"intent": "abuse", "action": "decline", "reply": "The door's open. – Fern"}


def test_a_valid_answer_gets_full_marks_whatever_the_reference() -> None:
    assert SUPPORT.score(json.dumps(GOOD), "") == (1.0, "")


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        ({"intent": "billing"}, "$.intent: 'billing'"),
        ({"reply": ""}, "$.reply"),
        ({"reply": 1}, "$.reply: 1 is not of type 'string'"),
        ({"mood": "calm"}, "'mood' was unexpected"),
    ],
)
def test_an_invalid_answer_gets_no_marks_and_says_where(change: dict[str, object], seen: str) -> None:
    score = SUPPORT.score(json.dumps(GOOD | change), json.dumps(GOOD))
    assert score.value == 0.0
    assert seen in score.evidence
    assert len(score.evidence) <= 200


@pytest.mark.parametrize("text", ["", "prose", "[]", f"```json\n{json.dumps(GOOD)}\n```", '{"intent": "abuse"}'])
def test_what_is_no_such_object_gets_no_marks(text: str) -> None:
    assert SUPPORT.score(text, "").value == 0.0


def test_every_approved_answer_of_the_example_is_valid() -> None:
    lines = (ROOT / "data" / "support" / "gold.jsonl").read_text(encoding="utf-8").splitlines()
    assert {SUPPORT.score(json.loads(line)["answer"], "").value for line in lines} == {1.0}


@pytest.mark.parametrize("schema", ["{broken", "", {"type": "no such type"}, {"required": "intent"}])
def test_a_file_that_is_no_schema_is_refused_by_name(tmp_path: Path, schema: object) -> None:
    with pytest.raises(ValidationError, match=r"schema\.json is not a JSON Schema"):
        scorer(written(tmp_path, schema))


@pytest.mark.parametrize("schema", ["[]", "null", "1", '"text"'])
def test_json_that_is_no_schema_is_refused_by_name(tmp_path: Path, schema: str) -> None:
    with pytest.raises(ValidationError, match=r"schema\.json is not a JSON Schema"):
        scorer(written(tmp_path, schema))


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_bytes(b'{"title": "caf\xe9"}')
    with pytest.raises(ValidationError, match=r"schema\.json is not a JSON Schema"):
        scorer(tmp_path / "schema.json")


def test_a_reference_to_nowhere_is_refused_before_any_answer(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        scorer(written(tmp_path, {"properties": {"intent": {"$ref": "#/$defs/nowhere"}}}))
