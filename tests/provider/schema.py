"""The smallest JSON document that satisfies a schema."""

import json
from typing import Any

from tests.provider.question import Problem


def smallest(schema: dict[str, Any]) -> str:
    """The document as text; raises Problem where the schema cannot be followed."""
    try:
        return json.dumps(_value(schema, schema))
    except (AttributeError, LookupError, RecursionError, TypeError) as error:
        raise Problem("malformed", detail=f"The schema cannot be followed: {error!r}", param=None) from error


def _value(schema: Any, root: dict[str, Any]) -> Any:
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return _value(_referred(schema["$ref"], root), root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _value(schema[several][0], root)
    return _of_type(schema, root)


def _referred(pointer: str, root: dict[str, Any]) -> Any:
    found: Any = root
    for step in pointer.removeprefix("#").split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def _of_type(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "null")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            return {name: _value(schema.get("properties", {}).get(name), root) for name in schema.get("required", [])}
        case "array":
            return [_value(schema.get("items"), root)] * schema.get("minItems", 0)
        case "string":
            return "text".ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
    return None


def _number(schema: dict[str, Any]) -> float:
    low = schema.get("minimum", schema["exclusiveMinimum"] + 1 if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else None)
    if low is not None and low > 0:
        return low
    return high if high is not None and high < 0 else 0
