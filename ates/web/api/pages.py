"""Where the API describes itself: the OpenAPI document and a page that shows it to people."""

import json
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, render_template
from flask.typing import ResponseReturnValue

from ates import __version__
from ates.kernel.context import Context
from ates.web.access import PUBLIC, allow
from ates.web.api.examples import example_of
from ates.web.api.openapi import describe
from ates.web.api.operations import ROOT, Api
from ates.web.api.reading import JSON
from ates.web.problems import DESCRIPTION

pages = Blueprint(DESCRIPTION, __name__, url_prefix=ROOT)


@pages.get("/openapi.json")
@allow(PUBLIC)
def openapi() -> Response:
    """The description for programs."""
    return current_app.response_class(msgspec.json.encode(description()), mimetype=JSON)


@pages.get("/docs")
@allow(PUBLIC)
def docs() -> ResponseReturnValue:
    """The description for people, with nothing fetched from elsewhere."""
    told = description()
    return render_template("api/docs.html", told=told, rows=list(_rows(told)), root=ROOT)


def description() -> dict[str, Any]:
    """Made once per process, from what the mounted parts declare."""
    found: dict[str, Any] | None = current_app.extensions.get("ates.openapi")
    if found is None:
        contexts: tuple[Context, ...] = current_app.extensions["ates.contexts"]
        apis = [part.api for part in contexts if isinstance(part.api, Api)]
        found = describe(apis, __version__)
        current_app.extensions["ates.openapi"] = found
    return found


def _rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Operations in the order they are declared, with their examples as text."""
    schemas = told["components"]["schemas"]
    return [
        {
            "method": method.upper(),
            "path": path,
            "told": operation,
            "body": _example(operation.get("requestBody", {}), schemas),
            "answers": [
                (status, answer["description"], _example(answer, schemas))
                for status, answer in operation["responses"].items()
                if "description" in answer
            ],
            "refuses": [
                status for status, answer in operation["responses"].items() if "$ref" in answer
            ],
        }
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    ]


def _example(holder: dict[str, Any], schemas: dict[str, Any]) -> str:
    schema = holder.get("content", {}).get(JSON, {}).get("schema")
    if schema is None:
        return ""
    return json.dumps(example_of(schema, schemas), indent=2, ensure_ascii=False)
