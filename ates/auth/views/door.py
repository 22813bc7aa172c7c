"""Signing in and out, and the one-time links for those who have no password."""

from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ates.auth import passwords, service
from ates.auth.forms import Forgot, NewPassword, SignIn
from ates.auth.gate import SessionGate, keys
from ates.auth.models import LinkKind
from ates.auth.views.blueprint import pages, proven
from ates.kernel.db import reading, transaction
from ates.kernel.errors import Invalid, NotFound, NotReady, TooMany
from ates.web import i18n, identity
from ates.web.access import PUBLIC, allow
from ates.web.errors import refused
from ates.web.next import safe_next


@pages.route("/sign-in", methods=["GET", "POST"])
@allow(PUBLIC)
def sign_in() -> ResponseReturnValue:
    """E-mail and password; afterwards back to where one wanted to be, on this site only (S6)."""
    back = safe_next(request.values.get("next"))
    if request.method != "POST":  # a HEAD is no act
        if identity.signed_in():
            return redirect(back, 303)
        return render_template("auth/sign_in.html", form=SignIn(), back=back)
    form = SignIn.sent()
    try:
        session_id = _enter(form)
    except (Invalid, TooMany, NotReady) as error:
        return refused("auth/sign_in.html", form, error, back=back)
    token = SessionGate().sign(session_id)
    assert token is not None, "a session that was just made is alive"
    response = make_response(redirect(back, 303))
    identity.start_session(response, session_id, token)
    return response


@pages.post("/sign-out")
@allow(PUBLIC)
def sign_out() -> ResponseReturnValue:
    """End the session on the server, then take the cookies back. Also when it is over already."""
    session_id = identity.session_id()
    if session_id:
        with transaction("auth") as session:
            service.leave(session, session_id)
    response = make_response(redirect(url_for("auth.sign_in"), 303))
    identity.end_session(response)
    return response


@pages.route("/forgot", methods=["GET", "POST"])
@allow(PUBLIC)
def forgot() -> ResponseReturnValue:
    """Ask for a reset letter. The answer never tells whether the address is known."""
    if request.method != "POST":  # a HEAD is no act
        return render_template("auth/forgot.html", form=Forgot())
    form = Forgot.sent()
    try:
        form.check()
        with transaction("auth") as session:
            service.request_reset(session, email=form.email, address=request.remote_addr)
    except (Invalid, TooMany) as error:
        return refused("auth/forgot.html", form, error)
    flash(i18n.gettext("If this address is known, a letter is on its way."))
    return redirect(url_for("auth.sign_in"), 303)


@pages.route("/reset/<token>", methods=["GET", "POST"])
@allow(PUBLIC)
def reset(token: str) -> ResponseReturnValue:
    """A new password by the link of a letter, once, within 30 minutes."""
    return _by_link(token, LinkKind.RESET)


@pages.route("/invitation/<token>", methods=["GET", "POST"])
@allow(PUBLIC)
def invitation(token: str) -> ResponseReturnValue:
    """The first password by the link of an invitation, once, within seven days."""
    return _by_link(token, LinkKind.INVITATION)


def _enter(form: SignIn) -> str:
    """A new session's id. Raises Invalid with the one sentence, TooMany, NotReady (S5)."""
    candidate = proven(form.email, form.password, request.remote_addr)
    if candidate is None:
        raise service.wrong()
    old = identity.session_id()
    phc = candidate.password_hash or ""
    better = passwords.hashed(form.password) if passwords.outdated(phc) else None
    with transaction("auth") as session:
        session_id = service.enter(session, candidate, better_hash=better)
        if old:
            service.leave(session, old)
    return session_id


def _by_link(token: str, kind: LinkKind) -> ResponseReturnValue:
    """Looking changes nothing, so a mail scanner uses up no link; sending sets the password."""
    link_id = keys().seal.opened(token)
    with reading("auth") as session:
        try:
            person = service.person_of_link(session, link_id, kind)
        except NotFound as error:
            return _link_over(error)
        email, name = person.email, person.name
    values = {"email": email, "name": name, "kind": kind}
    if request.method != "POST":  # a HEAD is no act
        return render_template("auth/password.html", form=NewPassword(), **values)
    form = NewPassword.sent()
    try:
        _set_password(link_id, kind, form.password, (email, name))
    except NotFound as error:
        return _link_over(error)
    except (Invalid, NotReady) as error:
        return refused("auth/password.html", form, error, **values)
    flash(i18n.gettext("The password is set. Sign in with it."))
    return redirect(url_for("auth.sign_in"), 303)


def _set_password(
    link_id: UUID | None, kind: LinkKind, password: str, about: tuple[str, ...]
) -> None:
    passwords.check(password, about=about)
    phc = passwords.hashed(password)
    with transaction("auth") as session:
        service.use_link(session, link_id, kind, password_hash=phc)


def _link_over(error: NotFound) -> ResponseReturnValue:
    return render_template("auth/link_over.html", sentence=i18n.sentence(error.sentence)), 404
