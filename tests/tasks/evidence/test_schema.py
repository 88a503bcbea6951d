"""The evidence's JSON schema is what others build on: `stillhouse report --schema` prints it."""

import json
from pathlib import Path

from tasks.evidence import SCHEMA_VERSION, Evidence

GOLDEN = Path(__file__).parent / f"schema-{SCHEMA_VERSION}.json"


def test_the_schema_of_a_version_does_not_change() -> None:
    assert json.loads(GOLDEN.read_text()) == Evidence.model_json_schema(), (
        "the evidence's schema moved: add 1 to SCHEMA_VERSION in tasks/evidence/run.py, write the new one by "
        f"`stillhouse report --schema > tests/tasks/evidence/schema-{SCHEMA_VERSION + 1}.json`, "
        "keep a small evidence.json of this version in tests/tasks/report/old"
    )


def test_every_field_that_came_after_version_1_has_a_default() -> None:
    first = {"project", "version", "verdict", "on_stage", "reasons", "stages", "scores", "usage", "training", "config"}
    required = {name for name, field in Evidence.model_fields.items() if field.is_required()}
    assert required == first | {"versions", "dropped", "comparisons"}
