"""Everybody's accounts."""

from uuid import UUID

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ates.accounting.forms import AccountFilter, LedgerFilter
from ates.accounting.queries import accounts as people
from ates.accounting.queries import days, holds
from ates.accounting.views.blueprint import page, pages, places, sheet_of, visited, whose
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import N_, NotFound
from ates.web.access import BOOKKEEPERS, EVERYBODY, allow
from ates.web.identity import me
from ates.web.watermark import watermark


@pages.get("/accounts/")
@allow(BOOKKEEPERS)
def accounts() -> ResponseReturnValue:
    """Every account with its balance."""
    form = AccountFilter.asked()
    with reading("accounting") as session:
        found = people.accounts(
            session,
            today=days.day_at(session, clock.now()),
            search=form.q,
            below=form.below is not None,
            order=form.order,
            after=form.after,
        )
        books, mark = days.books(session), watermark(session, "accounting")
    older = found.older and url_for("accounting.accounts", **form.filters, after=found.older)
    return page("accounts", form=form, page=found, books=books, mark=mark, older=older)


@pages.get("/accounts/<uuid:person_id>")
@allow(EVERYBODY)
def account(person_id: UUID) -> ResponseReturnValue:
    """Somebody's sheet, for those who keep the books; for everybody else it does not exist."""
    seen = whose(person_id)
    if seen.own and me().role not in BOOKKEEPERS.roles:
        return redirect(url_for("accounting.mine"), 303)
    form = LedgerFilter.asked()
    sheet = sheet_of(person_id, form)
    if not sheet.standing.known:
        raise NotFound(N_("There is no such account."))
    with reading("accounting") as session:
        hold = holds.of_account(session, person_id) if sheet.standing.held else None
    beside = places("accounting.account", form, sheet.page, person_id=person_id)
    recorded = visited(person_id)
    return page(
        "account",
        sheet=sheet,
        form=form,
        seen=seen,
        hold=hold,
        reader=me().id,
        recorded=recorded,
        **beside,
    )
