"""Holding payouts and releasing them: one person holds, another one releases."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.accounting.forms import HoldFilter, HoldForm
from ates.accounting.gate import books
from ates.accounting.models import DayState, Hold
from ates.accounting.queries import accounts, days, holds
from ates.accounting.queries.holds import HoldRow
from ates.accounting.service import holds as service
from ates.accounting.views.blueprint import day_in, page, pages, zone
from ates.kernel.db import reading
from ates.kernel.errors import N_, Conflict, Invalid, NotFound
from ates.web.access import BOOKKEEPERS, allow
from ates.web.errors import refused
from ates.web.formats import day_text
from ates.web.i18n import gettext
from ates.web.identity import me
from ates.web.once import act

HELD = "accounting/hold.html"


@pages.get("/holds/")
@allow(BOOKKEEPERS)
def all_holds() -> ResponseReturnValue:
    """What is held, by whom and why; if asked, also what was."""
    form = HoldFilter.asked()
    with reading("accounting") as session:
        found = holds.holds(session, active=not form.all, after=form.after)
    older = found.older and url_for(".all_holds", all=form.values["all"], after=found.older)
    return page("holds", page=found, form=form, older=older, reader=me().id)


@pages.route("/holds/new", methods=["GET", "POST"])
@allow(BOOKKEEPERS)
def hold_all() -> ResponseReturnValue:
    """Hold all payouts and the letters about them."""

    def hold(session: Session, reason: str) -> str:
        service.hold_everything(session, books(), reason=reason, by=me().id)
        return url_for(".all_holds")

    return _hold(hold, of="everything", back=url_for(".all_holds"))


@pages.route("/payouts/<day>/hold", methods=["GET", "POST"])
@allow(BOOKKEEPERS)
def hold_day(day: str) -> ResponseReturnValue:
    """Hold a day: it and all later ones are not paid until somebody else releases it."""
    which = day_in(day)
    state = _state_of(which)
    back = url_for(".day" if state == "open" else ".payout", day=which)

    def hold(session: Session, reason: str) -> str:
        service.hold_day(session, books(), which, reason=reason, by=me().id)
        return back

    return _hold(hold, of="day", what=day_text(which), back=back)


@pages.post("/payouts/<day>/release")
@allow(BOOKKEEPERS)
def release_day(day: str) -> ResponseReturnValue:
    """Let a held day be paid."""
    with reading("accounting") as session:
        found = holds.of_day(session, day_in(day))
    return _release(_active(found))


@pages.route("/accounts/<uuid:person_id>/hold", methods=["GET", "POST"])
@allow(BOOKKEEPERS)
def hold_account(person_id: UUID) -> ResponseReturnValue:
    """Freeze an account: every payout skips it."""
    with reading("accounting") as session:
        standing = accounts.standing(session, person_id, None)
    if standing.account_id is None:
        raise NotFound(N_("There is no such account."))
    back = url_for(".account", person_id=person_id)

    def hold(session: Session, reason: str) -> str:
        service.hold_account(session, books(), person_id, reason=reason, by=me().id)
        return back

    return _hold(hold, of="account", what=standing.name or str(person_id), back=back)


@pages.post("/holds/<uuid:hold_id>/release")
@allow(BOOKKEEPERS)
def release(hold_id: UUID) -> ResponseReturnValue:
    """Let go on what was held."""
    return _release(hold_id)


# --- how ------------------------------------------------------------------------------------------


def _hold(hold: Callable[[Session, str], str], **about: Any) -> ResponseReturnValue:
    """Ask for the reason, then hold; `hold` gives the address to go on to."""
    if request.method != "POST":  # a HEAD is no act
        return page("hold", form=HoldForm(), **about)
    form = HoldForm.sent()
    try:
        form.check()
        with act("accounting") as deed:
            if deed.fresh:
                deed.location = hold(deed.session, form.reason)
    except Invalid as error:
        return refused(HELD, form, error, zone=zone(), **about)
    flash(gettext("It is held. Another person releases it."))
    return redirect(deed.location, 303)


def _release(hold_id: UUID) -> ResponseReturnValue:
    with act("accounting") as deed:
        if deed.fresh:
            hold = service.release(deed.session, books(), hold_id, by=me().id)
            deed.location = _place(deed.session, hold)
    flash(gettext("It is released. The next run of the payout command pays what is due."))
    return redirect(deed.location, 303)


def _place(session: Session, hold: Hold) -> str:
    """The page of what was held."""
    if hold.account_id is not None:
        person_id = accounts.person_of(session, hold.account_id)
        return url_for(".account", person_id=person_id)
    if hold.business_date is not None and days.state_of(session, hold.business_date) != "open":
        return url_for(".payout", day=hold.business_date)
    return url_for(".all_holds")


def _active(found: HoldRow | None) -> UUID:
    if found is None:
        raise Conflict(N_("This day is held no more."))
    return found.id


def _state_of(day: date) -> DayState:
    with reading("accounting") as session:
        state = days.state_of(session, day)
    if state is None:
        raise NotFound(N_("The books have no such day."))
    return state
