"""The shell's own pages: the way home, help, the chip's poll, and answers for machines."""

from flask import Blueprint, current_app, redirect, render_template
from flask.typing import ResponseReturnValue

from ates.contracts.auth import Role
from ates.web import frame
from ates.web.access import EVERYBODY, PUBLIC, allow
from ates.web.answers import poll
from ates.web.identity import me

pages = Blueprint("web", __name__)

HOMES = {
    Role.EMPLOYEE: "/tasks/mine",
    Role.MANAGER: "/tasks/",
    Role.ACCOUNTANT: "/accounting/",
    Role.ADMIN: "/analytics/",
}


@pages.get("/")
@allow(EVERYBODY)
def home() -> ResponseReturnValue:
    """Where the day's work of this role begins."""
    return redirect(HOMES[me().role], 303)


@pages.get("/frame/chip")
@allow(EVERYBODY)
def chip() -> ResponseReturnValue:
    """The chip alone, while amounts are pending."""
    return poll("_chip.html", chip=frame.chip_of(me()), beside=False)


@pages.get("/help/shortcuts")
@allow(EVERYBODY)
def shortcuts() -> ResponseReturnValue:
    """The keys."""
    return render_template("help/shortcuts.html")


@pages.get("/help/money")
@allow(EVERYBODY)
def money() -> ResponseReturnValue:
    """How fees, rewards and payouts work, with a worked day."""
    return render_template("help/money.html")


@pages.get("/livez")
@allow(PUBLIC)
def alive() -> ResponseReturnValue:
    """This process answers. Touches nothing else: an outage must not kill healthy processes."""
    return current_app.response_class("alive\n", mimetype="text/plain")
