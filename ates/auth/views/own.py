"""What a person settles about themselves: name, language, password."""

from uuid import UUID

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ates.auth import details, passwords, queries, service
from ates.auth.forms import ChangePassword, Own
from ates.auth.gate import SessionGate
from ates.auth.queries import PersonRow
from ates.auth.views.blueprint import pages, proven
from ates.kernel.db import reading, transaction
from ates.kernel.errors import N_, Invalid, NotReady, TooMany
from ates.web import i18n, identity
from ates.web.access import EVERYBODY, PUBLIC, allow
from ates.web.errors import refused
from ates.web.identity import me
from ates.web.next import safe_next
from ates.web.once import act

YEAR = 365 * 24 * 3600  # the longest a browser keeps a cookie
OLD_WRONG = N_("This is not your present password.")


@pages.get("/me")
@allow(EVERYBODY)
def settings() -> ResponseReturnValue:
    """The own name, language and password."""
    person = _own_row()
    return render_template("auth/settings.html", form=_filled(person), person=person)


@pages.post("/me")
@allow(EVERYBODY)
def settle() -> ResponseReturnValue:
    """Change the own name or language."""
    form = Own.sent()
    try:
        with act("auth") as deed:
            if deed.fresh:
                service.settle(deed.session, me().id, name=form.name, locale=form.locale)
                deed.location = url_for("auth.settings")
    except Invalid as error:
        return refused("auth/settings.html", form, error, person=_own_row())
    flash(i18n.gettext("Saved."))
    return redirect(deed.location, 303)


@pages.route("/me/password", methods=["GET", "POST"])
@allow(EVERYBODY)
def password() -> ResponseReturnValue:
    """Change the own password; all other sessions end, this one gets a new id (S1)."""
    person = _own_row()
    if request.method != "POST":  # a HEAD is no act
        return render_template("auth/change_password.html", form=ChangePassword(), person=person)
    form = ChangePassword.sent()
    try:
        session_id = _change(person, form)
    except (Invalid, TooMany, NotReady) as error:
        return refused("auth/change_password.html", form, error, person=person)
    token = SessionGate().sign(session_id)
    assert token is not None, "a session that was just made is alive"
    flash(i18n.gettext("The password is changed. All other sessions are ended."))
    response = make_response(redirect(url_for("auth.settings"), 303))
    identity.start_session(response, session_id, token)
    return response


@pages.post("/language")
@allow(PUBLIC)
def language() -> ResponseReturnValue:
    """The language of pages and, for those signed in, of letters; back to the same page."""
    chosen = request.form.get("locale", "")
    if chosen not in details.LOCALES:
        raise Invalid(details.NO_LOCALE)
    response = redirect(safe_next(request.form.get("next")), 303)
    if identity.signed_in():
        with transaction("auth") as session:
            service.set_locale(session, me().id, chosen)
    response.set_cookie(i18n.COOKIE, chosen, max_age=YEAR, httponly=True, samesite="Lax")
    return response


def _change(person: PersonRow, form: ChangePassword) -> str:
    """The id of the new session. Raises Invalid, TooMany, NotReady."""
    passwords.check(form.password, about=(person.email, person.name))
    candidate = proven(person.email, form.old_password, request.remote_addr)
    if candidate is None:
        raise Invalid(details.PROBLEM, fields={"old_password": OLD_WRONG})
    phc = passwords.hashed(form.password)
    with transaction("auth") as session:
        return service.change_password(session, candidate, phc)


def _own_row() -> PersonRow:
    return _row(me().id)


def _row(person_id: UUID) -> PersonRow:
    with reading("auth") as session:
        return queries.person(session, person_id)


def _filled(person: PersonRow) -> Own:
    return Own({"name": person.name, "locale": person.locale})
