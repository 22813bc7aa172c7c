"""The blueprint that all pages of accounting belong to, and what they share."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, render_template, request, url_for

from ates.accounting.auditing import Record, audit_of
from ates.accounting.forms import LedgerFilter
from ates.accounting.gate import books
from ates.accounting.queries import accounts as people
from ates.accounting.queries import sheets
from ates.accounting.queries.rows import Page
from ates.accounting.service.visits import record_visit
from ates.accounting.statements import Period
from ates.kernel import clock
from ates.kernel.db import reading, transaction
from ates.kernel.errors import N_, NotFound
from ates.web.access import BOOKKEEPERS
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


@dataclass(frozen=True)
class Whose:
    """Whose account a page shows: the own one, or, to those who keep the books, somebody's."""

    person_id: UUID
    own: bool

    def address(self, what: str, **values: Any) -> str:
        """Of a page or file of this account: `ledger`, `statements`, `statement`, and `…_file`."""
        mine, somebodys = ADDRESSES[what]
        if self.own:
            return url_for(f"accounting.{mine}", **values)
        return url_for(f"accounting.{somebodys}", person_id=self.person_id, **values)

    def record(self, act: str, account_id: int, **what: Any) -> None:
        """Note a look at somebody else's account; the own one is nobody's business."""
        if not self.own:
            record(act, f"account {account_id}", **what)


ADDRESSES = {
    "ledger": ("mine", "account"),
    "ledger_file": ("my_entries_file", "account_file"),
    "statements": ("my_statements", "statements"),
    "statement": ("my_statement", "statement_of"),
    "statement_file": ("my_statement_file", "statement_file"),
}


def whose(person_id: UUID) -> Whose:
    """Somebody's account. For those who do not keep the books only the own one exists.

    Raises NotFound.
    """
    own = person_id == me().id
    if not own and me().role not in BOOKKEEPERS.roles:
        raise NotFound(N_("There is no such account."))
    return Whose(person_id, own)


def record(act: str, subject: str, **what: Any) -> None:
    """Write into the audit log what the person at hand looked at or took along."""
    with transaction("accounting") as session:
        audit_of(books()).write(session, Record(act, subject, actor=me().id, after=what))


def period_in(text: str) -> Period:
    """A day, month or range in an address. Raises NotFound for what is none."""
    try:
        return Period.parse(text)
    except ValueError:
        raise NotFound(N_("The books have no such day.")) from None


def day_in(text: str) -> date:
    """A day in an address. Raises NotFound for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound(N_("The books have no such day.")) from None
