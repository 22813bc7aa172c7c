"""Letters of payouts that a person sends again or gives up. The money went with the payout."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ates.accounting import holds as stops
from ates.accounting.gate import BOX
from ates.accounting.queries import payouts
from ates.accounting.queries.payouts import Paid, PaidDay
from ates.accounting.service import letters as service
from ates.accounting.views.blueprint import day_in, page, pages
from ates.kernel.db import reading
from ates.kernel.errors import N_, NotFound
from ates.web.access import BOOKKEEPERS, allow
from ates.web.formats import number
from ates.web.i18n import gettext, ngettext
from ates.web.once import act


@pages.post("/payouts/<day>/letters/<uuid:person_id>/again")
@allow(BOOKKEEPERS)
def letter_again(day: str, person_id: UUID) -> ResponseReturnValue:
    """Send one failed or unknown letter again: the same letter."""

    def decide(session: Session, which: date) -> str:
        service.send_again(session, BOX, which, person_id)
        return gettext("The same letter goes out again. No money moves.")

    return _decided(day, decide)


@pages.get("/payouts/<day>/letters/<uuid:person_id>/give-up")
@allow(BOOKKEEPERS)
def letter_in_doubt(day: str, person_id: UUID) -> ResponseReturnValue:
    """Ask before a letter that may have arrived is given up."""
    with reading("accounting") as session:
        found = payouts.payment(session, day_in(day), person_id)
    return page("give_up", paid=_there(found), day=day_in(day))


@pages.post("/payouts/<day>/letters/<uuid:person_id>/give-up")
@allow(BOOKKEEPERS)
def give_letter_up(day: str, person_id: UUID) -> ResponseReturnValue:
    """Take an unknown letter for failed: it is not repeated by itself any more."""

    def decide(session: Session, which: date) -> str:
        service.give_up(session, BOX, which, person_id)
        return gettext("The letter counts as failed and is not repeated by itself.")

    return _decided(day, decide)


@pages.get("/payouts/<day>/again")
@allow(BOOKKEEPERS)
def failed_letters(day: str) -> ResponseReturnValue:
    """Ask before all failed letters of a day are sent again."""
    return page("again", paid=_day(day_in(day)))


@pages.post("/payouts/<day>/again")
@allow(BOOKKEEPERS)
def all_again(day: str) -> ResponseReturnValue:
    """Send all failed letters of a day again: the same letters."""

    def decide(session: Session, which: date) -> str:
        sent = service.send_failed_again(session, BOX, which)
        return ngettext(
            "%(shown)s letter goes out again.",
            "%(shown)s letters go out again.",
            sent,
            shown=number(sent),
        )

    return _decided(day, decide)


# --- how ------------------------------------------------------------------------------------------


def _decided(day: str, decide: Callable[[Session, date], str]) -> ResponseReturnValue:
    """One act about letters of a day; `decide` gives the sentence that its page says afterwards."""
    with act("accounting") as deed:
        if deed.fresh:
            flash(decide(deed.session, day_in(day)))
            deed.location = url_for(".payout", day=day)
    return redirect(deed.location, 303)


def _day(day: date) -> PaidDay:
    with reading("accounting") as session:
        return payouts.paid_day(session, day, stops.read(session))


def _there(found: Paid | None) -> Paid:
    if found is None:
        raise NotFound(N_("Nothing was paid for this day."))
    return found
