"""The first page of operations, its poll, and the workers."""

from typing import Any

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from ates.kernel.db import database, reading
from ates.ops import pulse
from ates.ops.views.blueprint import pages
from ates.web.access import ADMINS, allow
from ates.web.answers import poll


@pages.get("/")
@allow(ADMINS)
def overview() -> ResponseReturnValue:
    """How far everything is, what is parked, which letters wait, who works."""
    return render_template("ops/overview.html", picture=_look())


@pages.get("/live")
@allow(ADMINS)
def live() -> ResponseReturnValue:
    """The changing parts of that page, by id, without a form."""
    return poll("ops/_live.html", picture=_look())


@pages.get("/workers")
@allow(ADMINS)
def workers() -> ResponseReturnValue:
    """Every worker process that showed a sign of life lately."""
    with reading("ops") as session:
        found = pulse.workers(session)
    return render_template("ops/workers.html", workers=found)


def _look() -> Any:
    return pulse.look(database("ops"), current_app.extensions["ates.contexts"])
