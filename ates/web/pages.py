"""The shell's own pages: the way home, help, the chip's poll, and answers for machines."""

from flask import Blueprint, Response, current_app, redirect, render_template
from flask.typing import ResponseReturnValue

from ates.contracts.auth import Role
from ates.kernel import migrate
from ates.kernel.db import database
from ates.kernel.errors import ConfigError, is_outage
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
    return _line("alive", 200)


@pages.get("/readyz")
@pages.get("/healthz")
@allow(PUBLIC)
def ready() -> ResponseReturnValue:
    """200 when the database answers and its tables are those of this version, else 503 and why."""
    problem = _not_ready()
    return _line(problem or "ready", 503 if problem else 200)


def _not_ready() -> str | None:
    try:
        migrate.check(database("web"))
    except ConfigError as error:
        return str(error)
    except Exception as error:
        if not is_outage(error):
            raise
        return "The database does not answer."
    return None


def _line(words: str, status: int) -> Response:
    return current_app.response_class(words + "\n", status=status, mimetype="text/plain")
