"""The page of analytics."""

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from ates.analytics import queries
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import ADMINS, allow
from ates.web.formats import day_text

pages = Blueprint("analytics", __name__, url_prefix="/analytics", template_folder="templates")


@pages.get("/")
@allow(ADMINS)
def overview() -> ResponseReturnValue:
    """Income today, people below zero, the most expensive task, 30 days (R19, R20)."""
    with reading("analytics") as session:
        board = queries.board(session, at=clock.now())
    zone = current_app.extensions["ates.config"].timezone
    chart = [(day_text(day, year=False), cents) for day, cents in board.bars]
    return render_template("analytics/overview.html", board=board, chart=chart, zone=zone)
