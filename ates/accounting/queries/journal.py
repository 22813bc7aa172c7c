"""The journal: every entry as the two lines of double entry, debit first."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

from ates.accounting.queries import ledger, sheets
from ates.accounting.queries.rows import Line, Page, Place, Scope
from ates.accounting.queries.trial import NAMES
from ates.web.watermark import Watermark, watermark

VIEW = table(  # made by the migration; an auditor with SQL reads the same
    "accounting_journal",
    column("entry_no"),
    column("ledger_account"),
    column("debit_cents"),
    column("credit_cents"),
)


@dataclass(frozen=True)
class Side:
    """One line: an account of the general ledger, debited or credited."""

    account: int
    debit_cents: int
    credit_cents: int

    @property
    def name(self) -> str:
        return NAMES.get(self.account, "")


@dataclass(frozen=True)
class Booking:
    """One entry with its two lines."""

    line: Line
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Journal:
    """A page of the journal."""

    bookings: tuple[Booking, ...]
    page: Page
    user: str | None  # the name of the person the list is narrowed to
    mark: Watermark

    @property
    def debit_cents(self) -> int:
        return sum(side.debit_cents for each in self.bookings for side in each.sides)

    @property
    def credit_cents(self) -> int:
        return sum(side.credit_cents for each in self.bookings for side in each.sides)


def journal(
    session: Session, scope: Scope, place: Place, *, user: UUID | None, task: int | None
) -> Journal:
    """Entries of a scope, newest first, each as two lines: a statement more than the list."""
    narrowed, name = sheets.narrow(session, scope, user=user, task=task)
    page = ledger.lines(session, narrowed, place) if narrowed else Page(())
    sides = _sides(session, [line.entry_no for line in page.lines])
    made = tuple(Booking(line, tuple(sides[line.entry_no])) for line in page.lines)
    return Journal(made, page, name, watermark(session, "accounting"))


def _sides(session: Session, numbers: Iterable[int]) -> dict[int, list[Side]]:
    found: dict[int, list[Side]] = {number: [] for number in numbers}
    if found:
        rows = session.execute(
            select(VIEW)
            .where(VIEW.c.entry_no.in_(list(found)))
            .order_by(VIEW.c.entry_no.desc(), VIEW.c.debit_cents.desc())
        )
        for entry_no, *values in rows:
            found[entry_no].append(Side(*values))
    return found
