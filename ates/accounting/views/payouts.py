"""Payouts by day, and where each letter is. No control here moves money."""

from flask import url_for
from flask.typing import ResponseReturnValue

from ates.accounting.forms import PayoutFilter
from ates.accounting.queries import days, payouts
from ates.accounting.views.blueprint import day_in, page, pages
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import BOOKKEEPERS, allow
from ates.web.watermark import watermark


@pages.get("/payouts/")
@allow(BOOKKEEPERS)
def all_payouts() -> ResponseReturnValue:
    """Closed and paid days, with their letters."""
    now = clock.now()
    with reading("accounting") as session:
        paid, mark = payouts.paid_days(session), watermark(session, "accounting")
        waiting = days.unpaid(days.last_days(session, at=now), at=now)
    return page("payouts", days=paid, mark=mark, unpaid=waiting)


@pages.get("/payouts/<day>")
@allow(BOOKKEEPERS)
def payout(day: str) -> ResponseReturnValue:
    """Who was paid how much for one day, and where each letter is."""
    form = PayoutFilter.asked()
    with reading("accounting") as session:
        paid = payouts.paid_day(session, day_in(day))
        found = payouts.people_paid(session, paid.day, after=form.after)
    older = found.older and url_for("accounting.payout", day=paid.day, after=found.older)
    return page("payout", paid=paid, page=found, older=older, newer=form.after)
