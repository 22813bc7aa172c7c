"""The blueprint that all pages of accounting belong to, and what they share."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, render_template, request, url_for

from ates.accounting.forms import LedgerFilter
from ates.accounting.gate import books
from ates.accounting.queries import accounts as people
from ates.accounting.queries import sheets
from ates.accounting.queries.rows import Page
from ates.accounting.service.visits import record_visit
from ates.kernel import clock
from ates.kernel.db import reading, transaction
from ates.kernel.errors import N_, NotFound
from ates.web.identity import me

pages = Blueprint(
    "accounting",
    __name__,
    url_prefix="/accounting",
    template_folder=str(Path(__file__).parents[1] / "templates"),
)


def chip_balance(person_id: UUID) -> int | None:
    """The booked balance for the frame of every page; None for somebody without an account."""
    with reading("accounting") as session:
        return people.balance_of(session, person_id)


def page(name: str, **values: Any) -> str:
    return render_template(f"accounting/{name}.html", zone=zone(), **values)


def zone() -> str:
    """The name of the business zone, beside the figures of every page."""
    return str(current_app.extensions["ates.config"].timezone)


def sheet_of(person_id: UUID, form: LedgerFilter) -> sheets.Sheet:
    with reading("accounting") as session:
        return sheets.sheet(
            session,
            person_id,
            lambda account_id: form.scope(account_id=account_id),
            form.place,
            at=clock.now(),
        )


def visited(person_id: UUID) -> bool:
    """Record a look at somebody's account; gives whether the page has to say so."""
    if person_id == me().id:
        return False  # before anything is locked
    with transaction("accounting") as session:
        return record_visit(session, books(), person_id, by=me().id)


def places(endpoint: str, form: LedgerFilter, page: Page, **values: Any) -> dict[str, str | None]:
    """The addresses of the pages beside this one and of the list without filters."""
    kept = {**form.filters, **values}
    return {
        "newer": url_for(endpoint, **kept, before=page.newer) if page.newer is not None else None,
        "older": url_for(endpoint, **kept, after=page.older) if page.older is not None else None,
        "here": request.path,
    }


def day_in(text: str) -> date:
    """A day in an address. Raises NotFound for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound(N_("The books have no such day.")) from None
