"""What operations tell programs."""

from flask import Response, current_app

from ates.kernel.db import database
from ates.ops import facts, metrics
from ates.ops.facts import Status
from ates.web.access import ADMINS, allow
from ates.web.api import Api

api = Api("ops")


@api.reads("/status", Status, refuses=(403,))
@allow(ADMINS)
def status() -> Status:
    """How aTES stands: lag, parked events, letters, the oldest unpaid day, the last check."""
    return facts.status(database("ops"), current_app.extensions["ates.contexts"])


@api.get("/metrics")
@allow(ADMINS)
def figures() -> Response:
    """The figures of /metrics, for a Prometheus on another machine with an admin's token."""
    return metrics.answer()
