"""People, for admins (R3): list, register, correct, change the role, deactivate."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.auth import queries, service
from ates.auth.forms import NewPerson, PersonForm, RoleForm, Search, State, of_person
from ates.auth.queries import PersonRow
from ates.auth.service.people import LAST_ADMIN, OWN_ROLE
from ates.auth.views.blueprint import pages
from ates.contracts.auth import Role
from ates.kernel.db import reading
from ates.kernel.errors import Conflict, Forbidden, Invalid
from ates.web import i18n
from ates.web.access import ADMINS, allow
from ates.web.errors import refused
from ates.web.identity import me
from ates.web.once import act


@pages.get("/people/")
@allow(ADMINS)
def people() -> ResponseReturnValue:
    """Everybody by name; the filter lives in the address."""
    form = Search.asked()
    active = None if form.state is None else form.state is State.ACTIVE
    with reading("auth") as session:
        page = queries.people(session, q=form.q, role=form.role, active=active, after=form.after)
    kept: dict[str, Any] = {
        name: form.values[name] for name in ("q", "role", "state") if form.values[name]
    }
    return render_template(
        "auth/people.html",
        form=form,
        people=page.rows,
        first=url_for(".people", **kept) if form.after else None,
        more=url_for(".people", **kept, after=page.after) if page.after else None,
        filtered=bool(kept),
        roles=list(Role),
    )


@pages.route("/people/new", methods=["GET", "POST"])
@allow(ADMINS)
def new() -> ResponseReturnValue:
    """Register a person; a letter invites them to set a password."""
    if request.method != "POST":  # a HEAD is no act
        form = NewPerson({"locale": i18n.language(), "role": Role.EMPLOYEE})
        return render_template("auth/new.html", form=form)
    form = NewPerson.sent()
    try:
        form.check()
        with act("auth") as deed:
            if deed.fresh:
                deed.location = _register(deed.session, form)
    except (Invalid, Conflict) as error:
        return refused("auth/new.html", form, error)
    flash(i18n.gettext("An invitation is on its way."))
    return redirect(deed.location, 303)


@pages.route("/people/<uuid:person_id>", methods=["GET", "POST"])
@allow(ADMINS)
def person(person_id: UUID) -> ResponseReturnValue:
    """One person: what is written about them, and what can be done."""
    row, reasons = _row(person_id)
    if request.method != "POST":  # a HEAD is no act
        return render_template("auth/person.html", form=of_person(row), person=row, **reasons)
    form = PersonForm.sent()
    try:
        with act("auth") as deed:
            if deed.fresh:
                service.change_details(
                    deed.session,
                    person_id,
                    email=form.email,
                    name=form.name,
                    trade=form.trade,
                    locale=form.locale,
                )
                deed.location = url_for(".person", person_id=person_id)
    except Invalid as error:
        return refused("auth/person.html", form, error, person=row, **reasons)
    flash(i18n.gettext("Saved."))
    return redirect(deed.location, 303)


@pages.route("/people/<uuid:person_id>/role", methods=["GET", "POST"])
@allow(ADMINS)
def role(person_id: UUID) -> ResponseReturnValue:
    """Ask for the new role on a page of its own, then change it."""
    row, reasons = _row(person_id)
    if request.method != "POST":  # a HEAD is no act
        form = RoleForm({"role": str(row.role)})
        return render_template("auth/role.html", form=form, person=row, **reasons)
    form = RoleForm.sent()
    try:
        form.check()
        assert form.role is not None, "a required choice"
        chosen = form.role
        location = _do(
            person_id, lambda session: service.change_role(session, person_id, chosen, by=me().id)
        )
    except (Invalid, Conflict, Forbidden) as error:
        return refused("auth/role.html", form, error, person=row, **reasons)
    flash(i18n.gettext("The role is changed."))
    return redirect(location, 303)


@pages.route("/people/<uuid:person_id>/deactivate", methods=["GET", "POST"])
@allow(ADMINS)
def deactivate(person_id: UUID) -> ResponseReturnValue:
    """Ask on a page of its own, then shut the person out at once (S23)."""
    row, reasons = _row(person_id)
    if request.method != "POST":  # a HEAD is no act
        return render_template("auth/deactivate.html", person=row, **reasons)
    location = _do(person_id, lambda session: service.deactivate(session, person_id, by=me().id))
    flash(i18n.gettext("Deactivated. All sessions are ended."))
    return redirect(location, 303)


@pages.post("/people/<uuid:person_id>/activate")
@allow(ADMINS)
def activate(person_id: UUID) -> ResponseReturnValue:
    """Let a deactivated person in again."""
    location = _do(person_id, lambda session: service.activate(session, person_id, by=me().id))
    flash(i18n.gettext("Activated."))
    return redirect(location, 303)


@pages.post("/people/<uuid:person_id>/letter")
@allow(ADMINS)
def letter(person_id: UUID) -> ResponseReturnValue:
    """Send an invitation again, or the letter to set a new password."""
    location = _do(person_id, lambda session: service.invite(session, person_id))
    flash(i18n.gettext("A letter is on its way."))
    return redirect(location, 303)


@pages.post("/people/<uuid:person_id>/sessions/end")
@allow(ADMINS)
def end_sessions(person_id: UUID) -> ResponseReturnValue:
    """Sign a person out everywhere."""
    location = _do(person_id, lambda session: service.end_sessions(session, person_id))
    flash(i18n.gettext("All sessions are ended."))
    return redirect(location, 303)


def _register(session: Session, form: NewPerson) -> str:
    clean = form.details()
    assert form.role is not None, "checked before"
    person = service.create_person(
        session,
        email=clean.email,
        name=clean.name,
        role=form.role,
        trade=clean.trade,
        locale=clean.locale,
    )
    service.invite(session, person.id)
    return url_for(".person", person_id=person.id)


def _do(person_id: UUID, what: Callable[[Session], object]) -> str:
    """One act on a person; gives the address of the person's page."""
    with act("auth") as deed:
        if deed.fresh:
            what(deed.session)
            deed.location = url_for(".person", person_id=person_id)
    return deed.location


def _row(person_id: UUID) -> tuple[PersonRow, dict[str, str | None]]:
    """The person, and why the role or the person cannot be changed: shown in a control's place."""
    with reading("auth") as session:
        row = queries.person(session, person_id)
        last = queries.is_only_admin(session, person_id)
    only = i18n.gettext(LAST_ADMIN) if last else None
    own = i18n.gettext(OWN_ROLE) if person_id == me().id else None
    return row, {"no_role": only or own, "no_end": only}
