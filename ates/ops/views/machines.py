"""Answers for machines, at the root and without a session: readiness and figures."""

import json

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue

from ates.kernel.db import database
from ates.kernel.errors import N_, Forbidden, SignedOut
from ates.ops import health, metrics
from ates.web import identity
from ates.web.access import ADMINS, PUBLIC, allow
from ates.web.here import at_this_machine

machines = Blueprint("machines", __name__)


@machines.get("/readyz")
@machines.get("/healthz")
@allow(PUBLIC)
def ready() -> ResponseReturnValue:
    """200 when all is well, else 503 and the reasons.

    `?for=pages` asks about this process and its database alone: whether to send people here. A
    consumer that stands still is a reason to wake somebody, not to close the pages.
    """
    if request.args.get("for") == "pages":
        trouble = health.not_serving(database("ops"))
        found = [trouble] if trouble else []
    else:
        found = health.reasons(database("ops"))
    body = json.dumps({"ready": not found, "reasons": found})
    response = current_app.response_class(body + "\n", 503 if found else 200)
    response.mimetype = "application/json"
    response.headers["Cache-Control"] = "no-store"
    return response


@machines.get("/metrics")
@allow(PUBLIC)
def figures() -> Response:
    """For a Prometheus on this machine, or a signed-in admin; others use the API with a token."""
    if not at_this_machine():
        person = identity.who()
        if person is None:
            raise SignedOut(N_("Please sign in."))
        if not ADMINS.admits(person):
            raise Forbidden(N_("This page is for other roles"))
    return metrics.answer()
