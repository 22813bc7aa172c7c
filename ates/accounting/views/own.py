"""The own account."""

from flask.typing import ResponseReturnValue

from ates.accounting.forms import LedgerFilter
from ates.accounting.queries import accounts, days
from ates.accounting.views.blueprint import Whose, page, pages, places, sheet_of
from ates.contracts.auth import DRAWN_ROLES
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import EVERYBODY, allow
from ates.web.answers import poll
from ates.web.identity import me
from ates.web.watermark import watermark


@pages.get("/me")
@allow(EVERYBODY)
def mine() -> ResponseReturnValue:
    """The own balance, what today brought, and every entry with the balance after it (R12)."""
    form, person = LedgerFilter.asked(), me()
    sheet = sheet_of(person.id, form)
    return page(
        "mine",
        sheet=sheet,
        form=form,
        seen=Whose(person.id, own=True),
        drawn=person.role in DRAWN_ROLES,
        **places("accounting.mine", form, sheet.page),
    )


@pages.get("/me/pending")
@allow(EVERYBODY)
def pending() -> ResponseReturnValue:
    """The figures of the own account, for a page that waits for what is being booked."""
    with reading("accounting") as session:
        standing = accounts.standing(session, me().id, days.day_at(session, clock.now()))
        mark = watermark(session, "accounting")
    return poll("accounting/_standing.html", standing=standing, waits=mark.events > 0, own=True)
