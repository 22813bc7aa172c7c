"""The description of the API (OpenAPI 3.1), made from the declared operations and their types."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from ates.contracts.auth import Role
from ates.web.access import rule_on
from ates.web.api.examples import example_of
from ates.web.api.once import HEADER, PATTERN
from ates.web.api.operations import ROOT, Api, Operation
from ates.web.api.reading import JSON, Nothing
from ates.web.problems import MEDIA, Problem

REF = "#/components/schemas/{name}"
INTRODUCTION = """\
For scripts and programs: what the pages say, under the same rules.

Send `Authorization: Bearer <token>`; a person makes tokens under settings, an operator with
`flask auth token`. Bodies are JSON. Money is whole cents, signed; moments are RFC 3339 in UTC, days
are business days. Lists come in pages: send `next` back as `after`. A POST with an
`Idempotency-Key` may be repeated: the same key and body give the first answer again for a week.
Errors are problems (RFC 9457) whose `detail` is the sentence a page would show.
"""


def describe(apis: Sequence[Api], version: str) -> dict[str, Any]:
    """The whole description as plain data."""
    operations = [each for api in apis for each in api.operations]
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for api in apis:
        for each in api.operations:
            told = _operation(api.part, each, schemas)
            paths.setdefault(each.template, {})[each.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "aTES", "version": version, "description": INTRODUCTION},
        "servers": [{"url": ROOT}],
        "security": [{"token": []}],
        "tags": [{"name": api.part} for api in apis],
        "paths": paths,
        "components": {
            "schemas": schemas.parts,
            "responses": {str(status): schemas.problem(status) for status in _refused(operations)},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Schemas:
    """The schemas of all types that operations name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        types: list[Any] = [Problem]
        for each in operations:
            types += each.answers.values()
            types += [each.body] if each.body is not None else []
        unique = list(dict.fromkeys(types))
        found, self.parts = msgspec.json.schema_components(unique, ref_template=REF)
        self._refs = dict(zip(unique, found, strict=True))

    def content(self, kind: Any, media: str = JSON) -> dict[str, Any]:
        """A body of this type, with an example."""
        schema = self._refs[kind]
        return {media: {"schema": schema, "example": example_of(schema, self.parts)}}

    def problem(self, status: int) -> dict[str, Any]:
        """A refusal."""
        told = {"schema": self._refs[Problem]}
        return {"description": HTTPStatus(status).phrase, "content": {MEDIA: told}}


def _operation(part: str, operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    summary, _, more = (operation.view.__doc__ or "").strip().partition("\n")
    rule = rule_on(operation.view)
    roles = sorted(str(role) for role in (rule.roles if rule else ()))
    told: dict[str, Any] = {
        "operationId": f"{part}_{operation.name}",
        "tags": [part],
        "summary": summary,
        "x-roles": roles,
        "parameters": _parameters(operation),
        "responses": _responses(operation, schemas, limited=len(roles) < len(Role)),
    }
    if more.strip():
        told["description"] = " ".join(more.split())
    if operation.body is not None:
        told["requestBody"] = {
            "required": operation.body is not Nothing,
            "content": schemas.content(operation.body),
        }
    return told


def _responses(operation: Operation, schemas: _Schemas, *, limited: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "content": schemas.content(kind),
        }
        for status, kind in operation.answers.items()
    }
    refused = operation.refuses | ({403} if limited or operation.writes else set())
    for status in sorted(refused):
        told[str(status)] = {"$ref": f"#/components/responses/{status}"}
    return told


def _refused(operations: Sequence[Operation]) -> list[int]:
    return sorted({403}.union(*(each.refuses for each in operations)))


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _PLACES[kind]}
        for name, kind in operation.places
    ]
    if operation.query is not None:
        told += _query(operation.query)
    if operation.method == "POST":
        schema = {"type": "string", "pattern": PATTERN}
        words = "The same key with the same body gives the first answer again."
        told.append({"name": HEADER, "in": "header", "schema": schema, "description": words})
    return told


_PLACES: Mapping[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "string": {"type": "string"},
}


def _query(kind: Any) -> list[dict[str, Any]]:
    """The fields of a query as parameters; one that is left out is null, which cannot be sent."""
    (found,), schemas = msgspec.json.schema_components([kind], ref_template=REF)
    fields = schemas[found["$ref"].rsplit("/", 1)[1]]["properties"]
    return [_parameter(name, schema, schemas) for name, schema in fields.items()]


def _parameter(
    name: str, field: Mapping[str, Any], schemas: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    words = field.get("description")
    chosen = [each for each in field.get("anyOf", [field]) if each.get("type") != "null"]
    schema = {key: each for key, each in field.items() if key != "anyOf" and each is not None}
    for each in chosen:  # one, since null is left out
        schema |= each
    if "$ref" in schema:
        schema |= schemas[schema.pop("$ref").rsplit("/", 1)[1]]
    words = schema.pop("description", words)
    told = {"name": name, "in": "query", "schema": schema}
    return told | ({"description": words} if words else {})
