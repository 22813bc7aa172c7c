"""P13: whoever changes a table of the books past the application is found, column by column.

The columns come from the metadata: a new one is either proven or named here with its reason.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, LargeBinary, Table, delete, exc, insert, select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from ates.accounting.models import Adjustment, Base, Hold
from ates.accounting.posting import Posting
from ates.kernel import clock
from ates.kernel.types import Day, Id, UTCDateTime
from tests.accounting.hands import unguard
from tests.accounting.make import ARA, BIBI, COCO, Office, moment, person, worked_example

# The same statements prove both databases; hundreds of proofs on both take minutes.
both = pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)]
)

# Tables the books do not prove, and why.
APART = {
    "accounting_person": "names and addresses: erasable, so not hashed",
    "accounting_card": "how tasks are called: for display",
    "accounting_run": "what commands noted of themselves",
    "accounting_request": "keys of forms",
    "accounting_audit": "a chain of its own (kernel.audit)",
    "accounting_audit_head": "a chain of its own (kernel.audit)",
    "accounting_seal_letter": "takes the seal away; to whom it went the books cannot know",
    "accounting_hold": "a decision: the audit log has its record",
}
POST = "what the mail worker notes of its tries"
SPOKEN = "in which words a letter is written"
DECISION = "who decided and why: the audit log has the record"
DISPLAYED = {
    "accounting_price.priced_at": "when it was drawn; the drawing itself is proven by its key",
    "accounting_head.verified_block_no": "a bookmark: a full check begins with the first block",
    "accounting_day.closed_at": "when the command did it; what counts is close_entry_no",
    "accounting_day.paid_at": "when the command did it",
    "accounting_letter.locale": SPOKEN,
    "accounting_letter.zone": SPOKEN,
    "accounting_letter.state": POST,
    "accounting_letter.attempts": POST,
    "accounting_letter.doubts": POST,
    "accounting_letter.next_try_at": POST,
    "accounting_letter.claimed_until": POST,
    "accounting_letter.sent_at": POST,
    "accounting_letter.reply": POST,
    "accounting_letter.correlation_id": "which run it belongs to, for operators",
    "accounting_adjustment.reason": DECISION,
    "accounting_adjustment.requested_by": DECISION,
    "accounting_adjustment.requested_at": DECISION,
    "accounting_adjustment.decided_by": DECISION,
}
# What a column may become unseen, though every other value is found.
UNSEEN = {"accounting_adjustment.reverses_entry_no": (None, DECISION)}
WORDS = {
    "kind": ("fee", "reward", "adjustment", "payout"),
    "state": ("open", "closed", "paid", "requested", "approved", "rejected"),
}
TABLES = [table for name, table in sorted(Base.metadata.tables.items()) if name not in APART]


@pytest.fixture
def books(office: Office) -> Office:
    """The worked example with a letter in each language, a reversal and a hold; triggers off."""
    office.meet(person(ARA), person(BIBI, locale="ru"), person(COCO, role="accountant"))
    list(worked_example(office))
    with clock.frozen(moment("30 12:00")), office.database.transaction() as session:
        unit = Posting(session, office.books)
        unit.adjust(UUID(int=78), to=COCO, amount_cents=-3500)
        unit.flush()
        session.add(_decision(entry_no=unit.posted[0].entry_no, reverses_entry_no=16))
        session.add(
            Hold(
                id=UUID(int=79),
                account_id=1,
                reason="asks for the vet",
                held_by=UUID(int=1),
                held_at=clock.now(),
            )
        )
    unguard(office)
    return office


@both
@pytest.mark.parametrize("table", TABLES, ids=str)
def test_no_column_is_changed_unseen(books: Office, table: Table) -> None:
    honest, quiet = books.verify(), []
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        if name not in DISPLAYED:
            quiet += [
                f"{name}: {old!r} to {new!r}"
                for old, new in _unseen(books, table, column, honest)
                if UNSEEN.get(name, ("", ""))[0] != new
            ]
    assert quiet == []
    assert books.verify() == honest


def test_what_is_not_proven_is_there_and_has_a_reason() -> None:
    columns = {f"{table.name}.{column.name}" for table in TABLES for column in table.columns}
    assert set(DISPLAYED) | set(UNSEEN) <= columns
    assert set(APART) <= set(Base.metadata.tables)
    assert all([*APART.values(), *DISPLAYED.values()])


@both
def test_no_row_is_removed_unseen(books: Office) -> None:
    """The first, one amid the others, and the last: a cut tail."""
    honest, quiet = books.verify(), []
    for table in TABLES:
        rows = _rows(books, table)
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            with _tampered(books) as session:
                session.execute(delete(table).where(*_is(table, row)))
                if not _found(books, session, honest):
                    quiet.append(f"{table.name} {tuple(row)}")
    assert quiet == []


@both
def test_no_row_is_added_unseen(books: Office) -> None:
    """A copy of the last row under keys of its own."""
    honest, quiet = books.verify(), []
    for table in TABLES:
        *_, row = _rows(books, table)
        fresh = {
            column.name: _another(column, getattr(row, column.name))
            if column.primary_key or column.unique or column.name in ("account_seq", "source_id")
            else getattr(row, column.name)
            for column in table.columns
        }
        with _tampered(books) as session:
            try:
                session.execute(insert(table).values(fresh))
            except exc.IntegrityError:
                continue  # the table's own rules leave no place for another row
            if not _found(books, session, honest):
                quiet.append(table.name)
    assert quiet == []


@both
def test_no_two_rows_are_swapped_unseen(books: Office) -> None:
    """All but the keys of two rows change places."""
    honest, quiet = books.verify(), []
    for table in TABLES:
        rows = _rows(books, table)
        if len(rows) < 2:
            continue
        one, other = rows[0], rows[-1]
        keys = {column.name for column in table.primary_key}
        mixed = [
            {n: getattr(a if n in keys else b, n) for n in table.columns.keys()}  # noqa: SIM118
            for a, b in ((one, other), (other, one))
        ]
        with _tampered(books) as session:
            for row in (one, other):
                session.execute(delete(table).where(*_is(table, row)))
            for values in mixed:
                session.execute(insert(table).values(values))
            if not _found(books, session, honest):
                quiet.append(table.name)
    assert quiet == []


# --- hands ----------------------------------------------------------------------------------------


class _tampered:  # noqa: N801 - reads as what it gives
    """A transaction whose changes are looked at and then undone."""

    def __init__(self, books: Office) -> None:
        self.session = books.database.session()

    def __enter__(self) -> Session:
        self.session.begin()
        if self.session.get_bind().dialect.name == "sqlite":
            self.session.connection().exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        return self.session

    def __exit__(self, *_: object) -> None:
        self.session.rollback()
        self.session.close()


def _found(books: Office, session: Session, honest: list[str]) -> bool:
    try:
        return bool(set(books.differences(session, "full")) - set(honest))
    except NoResultFound:
        return True  # without its head row nothing can be proven, and the command says so


def _unseen(
    books: Office, table: Table, column: Column[Any], honest: list[str]
) -> Iterator[tuple[Any, Any]]:
    """Values a column of the first and of the last row took without anybody seeing it."""
    rows = _rows(books, table)
    for row in {tuple(each): each for each in (rows[0], rows[-1])}.values():
        old = getattr(row, column.name)
        for new in _others(column, old):
            with _tampered(books) as session:
                try:
                    session.execute(
                        update(table).where(*_is(table, row)).values({column.name: new})
                    )
                except exc.IntegrityError:
                    continue  # the row's own rules refuse it
                if not _found(books, session, honest):
                    yield old, new


def _others(column: Column[Any], old: Any) -> list[Any]:
    """Other values of the column's type, and nothing where that is allowed."""
    words = WORDS.get(column.name, ())
    found = [word for word in words if word != old] if words else [_another(column, old)]
    if isinstance(old, int):
        found.append(old + 100)
    if column.nullable and old is not None:
        found.append(None)
    return found


def _another(column: Column[Any], old: Any) -> Any:
    if old is None:
        return _first(column)
    if isinstance(old, datetime):
        return old + timedelta(microseconds=1)
    if isinstance(old, date):
        return old + timedelta(days=1)
    if isinstance(old, UUID):
        return UUID(int=old.int ^ 1 << 60)
    if isinstance(old, bytes):
        return bytes([old[0] ^ 1]) + old[1:]
    return old + 1 if isinstance(old, int) else f"x{old}"


def _first(column: Column[Any]) -> Any:
    made: dict[type[Any], Any] = {
        Id: UUID(int=1),
        Day: date(2025, 3, 27),
        UTCDateTime: moment("29 00:10"),
        LargeBinary: bytes(32),
    }
    for kind, value in made.items():
        if isinstance(column.type, kind):
            return value
    return 1 if isinstance(column.type, Integer) else "x"


def _rows(books: Office, table: Table) -> list[Any]:
    return books.rows(select(table).order_by(*table.primary_key))


def _is(table: Table, row: Any) -> list[Any]:
    return [column == getattr(row, column.name) for column in table.primary_key]


def _decision(**changes: Any) -> Adjustment:
    return Adjustment(
        id=UUID(int=78),
        account_id=3,
        amount_cents=-3500,
        reason="never done by Coco",
        state="approved",
        requested_by=UUID(int=1),
        requested_at=clock.now(),
        decided_by=UUID(int=2),
        decided_at=clock.now(),
        **changes,
    )
