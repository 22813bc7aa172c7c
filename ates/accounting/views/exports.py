"""The files beside the lists: the same filters, all rows. Who takes others' along is recorded."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import Response
from flask.typing import ResponseReturnValue

from ates.accounting import exports
from ates.accounting.forms import AccountFilter, DayFilter, EntryFilter, LedgerFilter
from ates.accounting.queries import days, sheets, statement_days
from ates.accounting.queries.rows import Scope
from ates.accounting.queries.statement_days import Holder
from ates.accounting.views.blueprint import Whose, day_in, pages, period_in, record, whose
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import N_, NotFound
from ates.web.access import BOOKKEEPERS, EVERYBODY, allow
from ates.web.forms import Form
from ates.web.identity import me
from ates.web.sheet import Ask, Column, Dialect, Download, download


@pages.get("/entries/export.csv")
@allow(BOOKKEEPERS)
def entries_file() -> ResponseReturnValue:
    """Entries of everybody."""
    form = EntryFilter.asked()
    dialect = _dialect(form)
    with reading("accounting") as session:
        scope, _ = sheets.narrow(session, form.scope(), user=form.user, task=form.task)
    record("export", "entries", dialect=dialect, **form.filters)
    name = _name("entries", form.day or form.since, form.day or form.to)
    return _file(name, exports.ENTRIES, lambda asked: exports.entries(asked, scope), dialect)


@pages.get("/me/export.csv")
@allow(EVERYBODY)
def my_entries_file() -> ResponseReturnValue:
    """The own entries."""
    return _ledger(Whose(me().id, own=True))


@pages.get("/accounts/<uuid:person_id>/export.csv")
@allow(EVERYBODY)
def account_file(person_id: UUID) -> ResponseReturnValue:
    """Somebody's entries, for those who keep the books."""
    return _ledger(whose(person_id))


@pages.get("/me/statements/<period>/export.csv")
@allow(EVERYBODY)
def my_statement_file(period: str) -> ResponseReturnValue:
    """One own statement."""
    return _statement(Whose(me().id, own=True), period)


@pages.get("/accounts/<uuid:person_id>/statements/<period>/export.csv")
@allow(EVERYBODY)
def statement_file(person_id: UUID, period: str) -> ResponseReturnValue:
    """Somebody's statement, for those who keep the books."""
    return _statement(whose(person_id), period)


@pages.get("/accounts/export.csv")
@allow(BOOKKEEPERS)
def accounts_file() -> ResponseReturnValue:
    """Accounts now."""
    form, now = AccountFilter.asked(), clock.now()
    dialect = _dialect(form)
    named = {"q": "…"} if form.q else {}  # the log of acts holds no names
    record("export", "accounts", dialect=dialect, **{**form.filters, **named})

    def ask(session: Any) -> Any:
        today = days.day_at(session, now)
        below = form.below is not None
        return exports.accounts(session, today=today, search=form.q, below=below, order=form.order)

    return _file("accounts", exports.ACCOUNTS, ask, dialect)


@pages.get("/days/export.csv")
@allow(BOOKKEEPERS)
def days_file() -> ResponseReturnValue:
    """Business days with their sums."""
    form, now = DayFilter.asked(), clock.now()
    dialect, first, last = _dialect(form), form.since, form.to
    record("export", "days", dialect=dialect, **_days(first, last))
    return _file(
        _name("days", first, last),
        exports.DAYS,
        lambda session: exports.days(session, first=first, last=last, at=now),
        dialect,
    )


@pages.get("/payouts/export.csv")
@allow(BOOKKEEPERS)
def payouts_file() -> ResponseReturnValue:
    """Payouts of all days."""
    form = DayFilter.asked()
    return _payouts(form, form.since, form.to)


@pages.get("/payouts/<day>/export.csv")
@allow(BOOKKEEPERS)
def payout_file(day: str) -> ResponseReturnValue:
    """Payouts of one day."""
    found = day_in(day)
    return _payouts(Form(), found, found)


# --- how -----------------------------------------------------------------------------------------


def _ledger(seen: Whose) -> ResponseReturnValue:
    form = LedgerFilter.asked()
    dialect, holder = _dialect(form), _holder(seen)
    if holder is None:
        scope: Scope | None = None
    else:
        scope = form.scope(account_id=holder.account_id)
        seen.record("export", holder.account_id, dialect=dialect, **form.filters)
    name = _name("ledger", form.since, form.to)
    return _file(name, exports.ENTRIES, lambda asked: exports.entries(asked, scope), dialect)


def _statement(seen: Whose, text: str) -> ResponseReturnValue:
    period, dialect, holder = period_in(text), _dialect(Form()), _holder(seen)
    if holder is None:
        raise NotFound(N_("Nothing was ever booked for this person."))
    seen.record("export", holder.account_id, dialect=dialect, period=period.name)

    def ask(session: Any) -> Any:
        now = statement_days.holder_of(session, seen.person_id)  # of the snapshot of the file
        return exports.statement(session, now or holder, period)

    return _file(f"statement-{period.name}", exports.STATEMENT, ask, dialect)


def _payouts(form: Form, first: date | None, last: date | None) -> ResponseReturnValue:
    dialect = _dialect(form)
    record("export", "payouts", dialect=dialect, **_days(first, last))
    return _file(
        _name("payouts", first, last),
        exports.PAYOUTS,
        lambda session: exports.payouts(session, first=first, last=last),
        dialect,
    )


def _dialect(form: Form) -> Dialect:
    """Which kind of file, for Excel unless told otherwise.

    A page leaves out what it cannot read and says so; a file cannot say it, so here it is refused.
    """
    form.check()
    asked = Download.asked()
    asked.check()
    return asked.dialect or Dialect.EXCEL


def _holder(seen: Whose) -> Holder | None:
    with reading("accounting") as session:
        found = statement_days.holder_of(session, seen.person_id)
    if found is None and not seen.own:
        raise NotFound(N_("There is no such account."))
    return found


def _days(first: date | None, last: date | None) -> dict[str, date]:
    named = {"from": first, "to": last}
    return {name: day for name, day in named.items() if day is not None}


def _name(what: str, first: date | None, last: date | None) -> str:
    """`entries-2026-11-22`: the days that the file was asked for."""
    named = dict.fromkeys(str(day) for day in (first, last) if day is not None)
    return "-".join([what, *named])


def _file(name: str, columns: tuple[Column, ...], ask: Ask, dialect: Dialect) -> Response:
    return download("accounting", name, columns, ask, dialect)
