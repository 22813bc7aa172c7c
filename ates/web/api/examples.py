"""Examples made from schemas, so that what the description shows is always of the right form."""

from collections.abc import Mapping
from typing import Any

FORMATS = {
    "uuid": "0199d0a4-8c1e-7b8e-b6f8-3b1f6f1f2a11",
    "date": "2026-11-24",
    "date-time": "2026-11-24T15:04:01Z",
}
PLAIN: Mapping[str, Any] = {"string": "text", "integer": 1, "number": 1, "boolean": True}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """A value of this schema: its own example where it has one, else the plainest."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(_first(schema["anyOf"]), schemas)
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {}).items()
        return {name: example_of(each, schemas) for name, each in fields}
    if kind == "array":
        return [example_of(schema["items"], schemas)] if "items" in schema else []
    if kind == "null":
        return None
    return FORMATS.get(str(schema.get("format"))) or PLAIN.get(str(kind), "text")


def _first(choices: list[dict[str, Any]]) -> dict[str, Any]:
    """The first that says something."""
    return next((each for each in choices if each.get("type") != "null"), choices[0])
