"""Answers that serve both a whole page and a fragment of it (htmx)."""

from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from ates.web import frame


def is_fragment() -> bool:
    """Whether the script asked for a piece of the page."""
    return request.headers.get("HX-Request") == "true"


def row_or_redirect(template: str, *, to: str, **values: Any) -> ResponseReturnValue:
    """After an act: the changed row (and chip) for the script, else 303 to `to`."""
    if is_fragment():
        return render_template(template, **values) + frame.chip_beside()
    return redirect(to, 303)


def poll(template: str, **values: Any) -> Response:
    """The changed parts for a page that polls: with an ETag, 304 while nothing changed.

    Parts in such an answer hold no form, whose random key would change them each time.
    """
    response = make_response(render_template(template, **values))
    response.add_etag()
    response.make_conditional(request)
    return response
