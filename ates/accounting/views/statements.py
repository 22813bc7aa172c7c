"""Statements: what one person was owed before and after a day, a month or a free range of days."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ates.accounting.forms import StatementFilter
from ates.accounting.queries import statement_list
from ates.accounting.queries.statement_list import StatementList
from ates.accounting.queries.statements import Statement, statement
from ates.accounting.statements import Period
from ates.accounting.views.blueprint import Whose, page, pages, period_in, whose
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import N_, NotFound
from ates.web.access import EVERYBODY, allow
from ates.web.identity import me


@pages.get("/me/statements/")
@allow(EVERYBODY)
def my_statements() -> ResponseReturnValue:
    """The own days and months, newest first; `from` and `to` lead to a statement of their own."""
    return _all(Whose(me().id, own=True))


@pages.get("/me/statements/<period>")
@allow(EVERYBODY)
def my_statement(period: str) -> ResponseReturnValue:
    """One own statement."""
    return _one(Whose(me().id, own=True), period_in(period))


@pages.get("/accounts/<uuid:person_id>/statements/")
@allow(EVERYBODY)
def statements(person_id: UUID) -> ResponseReturnValue:
    """Somebody's days and months, for those who keep the books; the visit is recorded."""
    seen = whose(person_id)
    if seen.own:
        return redirect(url_for("accounting.my_statements"), 303)
    return _all(seen)


@pages.get("/accounts/<uuid:person_id>/statements/<period>")
@allow(EVERYBODY)
def statement_of(person_id: UUID, period: str) -> ResponseReturnValue:
    """Somebody's statement, for those who keep the books; the visit is recorded."""
    seen = whose(person_id)
    if seen.own:
        return redirect(url_for("accounting.my_statement", period=period), 303)
    return _one(seen, period_in(period))


# --- how -----------------------------------------------------------------------------------------


def _all(seen: Whose) -> ResponseReturnValue:
    form = StatementFilter.asked()
    if form.period is not None:
        return redirect(seen.address("statement", period=form.period.name), 303)
    with reading("accounting") as session:
        found = statement_list.all_of(session, seen.person_id, after=form.after, before=form.before)
    if found.holder is None and not seen.own:
        raise NotFound(N_("There is no such account."))
    if found.holder is not None:
        seen.record("statement.read", found.holder.account_id, period="all")
    return page("statements", found=found, form=form, seen=seen, **_beside(seen, found))


def _one(seen: Whose, period: Period) -> ResponseReturnValue:
    with reading("accounting") as session:
        found = statement(session, seen.person_id, period, at=clock.now())
    seen.record("statement.read", found.holder.account_id, period=period.name)
    return page("statement", found=found, seen=seen, **_neighbours(seen, found))


def _beside(seen: Whose, found: StatementList) -> dict[str, Any]:
    def at(place: str, day: date | None) -> str | None:
        return seen.address("statements", **{place: day}) if day is not None else None

    return {"newer": at("before", found.newer), "older": at("after", found.older)}


def _neighbours(seen: Whose, found: Statement) -> dict[str, Any]:
    """The statements that chain with this one: the books have those between begin and now."""

    def at(period: Period | None) -> str | None:
        return seen.address("statement", period=period.name) if period is not None else None

    return {
        "previous": at(found.period.before()) if found.previous is not None else None,
        "next": at(found.period.after()) if not found.running else None,
    }
