"""The own sessions: where one is signed in, and how to end that elsewhere."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.auth import queries, service
from ates.auth.forms import EndSession
from ates.auth.views.blueprint import pages
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web import i18n, identity
from ates.web.access import EVERYBODY, allow
from ates.web.identity import me
from ates.web.once import act


@pages.get("/me/sessions")
@allow(EVERYBODY)
def sessions() -> ResponseReturnValue:
    """Every session of one's own that is alive, this one marked."""
    with reading("auth") as session:
        rows = queries.sessions_of(session, me().id, at=clock.now())
    return render_template("auth/sessions.html", sessions=rows, this=_this())


@pages.post("/me/sessions/end")
@allow(EVERYBODY)
def end() -> ResponseReturnValue:
    """End one; ending this very one leads to the door, as signing out does."""
    chosen = EndSession.sent().session
    _do(lambda session: service.end_session(session, chosen, of=me().id))
    flash(i18n.gettext("The session is ended."))
    return redirect(url_for(".sessions"), 303)


@pages.post("/me/sessions/end-others")
@allow(EVERYBODY)
def end_others() -> ResponseReturnValue:
    """End all sessions but this one."""
    _do(lambda session: service.end_sessions(session, me().id, keep=_this()))
    flash(i18n.gettext("All other sessions are ended."))
    return redirect(url_for(".sessions"), 303)


def _do(what: Callable[[Session], None]) -> None:
    with act("auth") as deed:
        if deed.fresh:
            what(deed.session)
            deed.location = url_for(".sessions")


def _this() -> str:
    """The hash of the session in hand: names it, proves nothing."""
    return service.hash_of(identity.session_id() or "")
