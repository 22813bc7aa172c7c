"""The pages of accounting. Nothing here moves money: only the command pays (R17)."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from ates.accounting.forms import AccountFilter, EntryFilter, LedgerFilter, PayoutFilter
from ates.accounting.queries import accounts as people
from ates.accounting.queries import days, ledger, payouts, sheets
from ates.accounting.queries.rows import Page
from ates.contracts.auth import DRAWN_ROLES
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import N_, NotFound
from ates.web.access import BOOKKEEPERS, EVERYBODY, allow
from ates.web.answers import poll
from ates.web.formats import day_text
from ates.web.identity import me
from ates.web.watermark import watermark

pages = Blueprint("accounting", __name__, url_prefix="/accounting", template_folder="templates")


def chip_balance(person_id: UUID) -> int | None:
    """The booked balance for the frame of every page; None for somebody without an account."""
    with reading("accounting") as session:
        return people.balance_of(session, person_id)


# --- the own account ------------------------------------------------------------------------------


@pages.get("/me")
@allow(EVERYBODY)
def mine() -> ResponseReturnValue:
    """The own balance, what today brought, and every entry with the balance after it (R12)."""
    form, person = LedgerFilter.asked(), me()
    sheet = _sheet(person.id, form)
    return _page(
        "mine",
        sheet=sheet,
        form=form,
        drawn=person.role in DRAWN_ROLES,
        **_places("accounting.mine", form, sheet.page),
    )


@pages.get("/me/pending")
@allow(EVERYBODY)
def pending() -> ResponseReturnValue:
    """The figures of the own account, for a page that waits for what is being booked."""
    with reading("accounting") as session:
        standing = people.standing(session, me().id, days.day_at(session, clock.now()))
        mark = watermark(session, "accounting")
    return poll("accounting/_standing.html", standing=standing, waits=mark.events > 0, own=True)


# --- everybody's accounts -------------------------------------------------------------------------


@pages.get("/accounts/")
@allow(BOOKKEEPERS)
def accounts() -> ResponseReturnValue:
    """Every account with its balance."""
    form = AccountFilter.asked()
    with reading("accounting") as session:
        page = people.accounts(
            session,
            today=days.day_at(session, clock.now()),
            search=form.q,
            below=form.below is not None,
            order=form.order,
            after=form.after,
        )
        books, mark = days.books(session), watermark(session, "accounting")
    older = page.older and url_for("accounting.accounts", **form.filters, after=page.older)
    return _page("accounts", form=form, page=page, books=books, mark=mark, older=older)


@pages.get("/accounts/<uuid:person_id>")
@allow(EVERYBODY)
def account(person_id: UUID) -> ResponseReturnValue:
    """Somebody's sheet, for those who keep the books; for everybody else it does not exist."""
    if me().role not in BOOKKEEPERS.roles:
        if person_id == me().id:
            return redirect(url_for("accounting.mine"), 303)
        raise NotFound(N_("There is no such account."))
    form = LedgerFilter.asked()
    sheet = _sheet(person_id, form)
    if not sheet.standing.known:
        raise NotFound(N_("There is no such account."))
    places = _places("accounting.account", form, sheet.page, person_id=person_id)
    return _page("account", sheet=sheet, form=form, **places)


# --- the books ------------------------------------------------------------------------------------


@pages.get("/")
@allow(BOOKKEEPERS)
def overview() -> ResponseReturnValue:
    """Income today and by day, what is owed, and whether the books agree (R16, R18)."""
    now = clock.now()
    with reading("accounting") as session:
        last = days.last_days(session, at=now)
        books, mark = days.books(session), watermark(session, "accounting")
    return _page(
        "overview",
        days=last,
        today=next((each for each in last if each.starts_at <= now < each.ends_at), None),
        books=books,
        mark=mark,
        checked_at=now,
        unpaid=days.unpaid(last, at=now),
        chart=[(day_text(day, year=False), cents) for day, cents in days.bars(last)],
    )


@pages.get("/days/<day>")
@allow(BOOKKEEPERS)
def day(day: str) -> ResponseReturnValue:
    """One business day: its sums, what it waits for, its late entries."""
    with reading("accounting") as session:
        detail = days.one_day(session, _date(day), at=clock.now())
        late = ledger.late_entries(session, detail.figures.day, detail.figures.numbers)
        mark = watermark(session, "accounting")
    return _page("day", detail=detail, figures=detail.figures, late=late, mark=mark)


@pages.get("/entries/")
@allow(BOOKKEEPERS)
def entries() -> ResponseReturnValue:
    """Every entry, newest first: where each figure leads."""
    form = EntryFilter.asked()
    with reading("accounting") as session:
        found = sheets.entry_list(session, form.scope(), form.place, user=form.user, task=form.task)
    return _page(
        "entries", found=found, form=form, **_places("accounting.entries", form, found.page)
    )


@pages.get("/entries/<int:number>")
@allow(BOOKKEEPERS)
def entry(number: int) -> ResponseReturnValue:
    """One entry, with its event and its place in the chain."""
    with reading("accounting") as session:
        line, block = ledger.entry(session, number)
    return _page("entry", line=line, block=block)


@pages.get("/payouts/")
@allow(BOOKKEEPERS)
def all_payouts() -> ResponseReturnValue:
    """Closed and paid days, with their letters."""
    now = clock.now()
    with reading("accounting") as session:
        paid, mark = payouts.paid_days(session), watermark(session, "accounting")
        waiting = days.unpaid(days.last_days(session, at=now), at=now)
    return _page("payouts", days=paid, mark=mark, unpaid=waiting)


@pages.get("/payouts/<day>")
@allow(BOOKKEEPERS)
def payout(day: str) -> ResponseReturnValue:
    """Who was paid how much for one day, and where each letter is."""
    form = PayoutFilter.asked()
    with reading("accounting") as session:
        paid = payouts.paid_day(session, _date(day))
        page = payouts.people_paid(session, paid.day, after=form.after)
    older = page.older and url_for("accounting.payout", day=paid.day, after=page.older)
    return _page("payout", paid=paid, page=page, older=older, newer=form.after)


# --- how ------------------------------------------------------------------------------------------


def _page(name: str, **values: Any) -> str:
    zone = current_app.extensions["ates.config"].timezone
    return render_template(f"accounting/{name}.html", zone=zone, **values)


def _sheet(person_id: UUID, form: LedgerFilter) -> sheets.Sheet:
    with reading("accounting") as session:
        return sheets.sheet(
            session,
            person_id,
            lambda account_id: form.scope(account_id=account_id),
            form.place,
            at=clock.now(),
        )


def _places(endpoint: str, form: LedgerFilter, page: Page, **values: Any) -> dict[str, str | None]:
    """The addresses of the pages beside this one and of the list without filters."""
    kept = {**form.filters, **values}
    return {
        "newer": url_for(endpoint, **kept, before=page.newer) if page.newer is not None else None,
        "older": url_for(endpoint, **kept, after=page.older) if page.older is not None else None,
        "here": request.path,
    }


def _date(text: str) -> date:
    """A day in an address. Raises NotFound for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound(N_("The books have no such day.")) from None
