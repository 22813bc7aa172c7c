"""The first page of operations: how everything stands."""

from flask import render_template
from flask.typing import ResponseReturnValue

from ates.kernel.db import database
from ates.ops import status
from ates.ops.views.blueprint import pages
from ates.web.access import ADMINS, allow


@pages.get("/")
@allow(ADMINS)
def overview() -> ResponseReturnValue:
    """Lag, parked events, letters, workers."""
    return render_template("ops/overview.html", report=status.read(database("ops")))
