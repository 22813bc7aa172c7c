"""What the database refuses by itself, whoever asks (books.md, chapter 3)."""

import sqlite3
import threading
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, UniqueConstraint, exc, select, text

from ates.accounting.auditing import Record, audit_of
from ates.accounting.models import Adjustment, Base, Entry, Hold
from ates.kernel.worded import ON_SQLITE
from tests.accounting.make import Office, moment, worked_example
from tests.engines.marks import both, only_postgresql

KEPT = {
    "accounting_entry": "amount_cents",
    "accounting_block": "key_id",
    "accounting_price": "priced_at",
    "accounting_payout": "amount_cents",
    "accounting_audit": "act",
}
# Of what people decide, rows change once, from asked to decided, and never go.
DECIDED = {
    "accounting_adjustment": ("amount_cents", "reason", "state", "requested_by", "decided_by"),
    "accounting_hold": ("account_id", "reason", "held_by", "released_by"),
}
WRONG: list[dict[str, Any]] = [
    {"amount_cents": -900},
    {"amount_cents": -2100},
    {"amount_cents": -1050},
    {"amount_cents": 1000},
    {"source_no": 0},
    {"kind": "reward", "source_no": 0, "amount_cents": 1900},
    {"kind": "reward", "source_no": 0, "amount_cents": 4100},
    {"kind": "reward", "source_no": 1, "amount_cents": 2000},
    {"kind": "payout", "amount_cents": 100},
    {"kind": "adjustment", "source_no": 0, "amount_cents": 0},
    {"kind": "adjustment", "source_no": 0, "amount_cents": 1_000_001},
    {"kind": "gift"},
    {"entry_no": 0},
    {"entry_no": -1},
    {"account_seq": 0},
    {"account_id": 99},
    {"occurred_on": "2025-03-31"},
    {"business_date": "2024-01-01", "occurred_on": "2024-01-01"},
    # What the day does not take: a fee or payout in a paid day, a payout in an open one.
    {"business_date": "2025-03-27", "occurred_on": "2025-03-27"},
    {
        "kind": "payout",
        "business_date": "2025-03-27",
        "occurred_on": "2025-03-27",
        "amount_cents": -100,
    },
    {"kind": "payout", "amount_cents": -100},
]
ENTRY = """
INSERT INTO accounting_entry VALUES
    (:entry_no, :account_id, :account_seq, :kind, :source_id, :source_no, :amount_cents,
     :balance_cents, :business_date, :occurred_on, :occurred_at, :posted_at, NULL)
"""


@pytest.fixture
def ledger(office: Office) -> Office:
    """The books of the worked example: 27, 28, 29 paid, 30 open; one of each decision."""
    list(worked_example(office))
    with office.database.transaction() as session:
        session.add(correction(97, state="approved", entry_no=16, reverses_entry_no=17))
        session.add(hold(96))
        audit_of(office.books).write(session, Record("hold.set", "account 1"))
    return office


@both
def test_no_row_is_changed_or_removed(ledger: Office) -> None:
    for table, column in KEPT.items():
        refused(ledger, f"UPDATE {table} SET {column} = {column}")
        refused(ledger, f"DELETE FROM {table}")


@both
def test_what_is_decided_stays(ledger: Office) -> None:
    for table, columns in DECIDED.items():
        for column in columns:
            refused(ledger, f"UPDATE {table} SET {column} = {column}")
        refused(ledger, f"DELETE FROM {table}")


@both
def test_what_is_asked_for_never_changes_and_may_be_decided(ledger: Office) -> None:
    with ledger.database.transaction() as session:
        session.add(correction(99, state="requested", decided_by=None, decided_at=None))
        session.add(hold(98, released_by=None, released_at=None))
    asked = f"WHERE id = '{UUID(int=99)}'"
    for column, value in {
        "amount_cents": "1",
        "account_id": "2",
        "reason": "'because of it'",
    }.items():
        refused(ledger, f"UPDATE accounting_adjustment SET {column} = {value} {asked}")
    held = f"WHERE id = '{UUID(int=98)}'"
    for column, value in {"account_id": "2", "reason": "'because of it'"}.items():
        refused(ledger, f"UPDATE accounting_hold SET {column} = {value} {held}")
    decided = f"decided_by = '{UUID(int=2)}', decided_at = requested_at"
    run(ledger, f"UPDATE accounting_adjustment SET state = 'rejected', {decided} {asked}")
    released = f"released_by = '{UUID(int=2)}', released_at = held_at"
    run(ledger, f"UPDATE accounting_hold SET {released} {held}")
    refused(ledger, f"UPDATE accounting_adjustment SET state = 'requested' {asked}")
    refused(ledger, f"UPDATE accounting_hold SET released_at = NULL, released_by = NULL {held}")


@both
def test_nobody_decides_alone(ledger: Office) -> None:
    for alone in (correction(99, decided_by=UUID(int=1)), hold(98, released_by=UUID(int=1))):
        with pytest.raises(exc.IntegrityError), ledger.database.transaction() as session:
            session.add(alone)


@only_postgresql
def test_no_table_is_emptied(ledger: Office) -> None:
    for table in (*KEPT, *DECIDED, "accounting_day"):
        refused(ledger, f"TRUNCATE {table} CASCADE")


def test_replace_passes_through_no_unique_key(ledger: Office) -> None:
    """An old entry was once replaced by a new number with its business key. Here by somebody
    with a tool of their own, whose REPLACE deletes without firing triggers."""
    for table in map(Base.metadata.tables.__getitem__, (*KEPT, *DECIDED, "accounting_day")):
        keys = unique_keys(table)
        rows = ledger.rows(select(table).order_by(*table.primary_key))
        row = rows[0 if table.name == "accounting_entry" else -1]._asdict()
        if table.name == "accounting_entry":
            row["business_date"] = date(2025, 3, 30)  # a paid day refuses it by itself
        for key in keys:
            changed = {name for each in keys for name in each} - key
            fresh = {name: another(row[name]) if name in changed else row[name] for name in row}
            for act in ("INSERT OR REPLACE", "REPLACE", "INSERT"):
                assert "this key is already there" in by_hand(ledger, act, table, fresh), key


def test_replace_of_rows_by_themselves_is_refused(ledger: Office) -> None:
    for table in (*KEPT, *DECIDED, "accounting_day"):
        refused(ledger, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


@only_postgresql
def test_a_writer_without_the_head_lock_waits_for_the_close_and_is_refused(ledger: Office) -> None:
    close = (
        "UPDATE accounting_day SET state = 'closed', closed_at = ends_at, close_entry_no = 18,"
        " close_block_no = 18, parked = 0, seal = '\\x00' WHERE business_date = '2025-03-30'"
    )
    refusals: list[str] = []

    def write() -> None:
        try:
            run(ledger, ENTRY, fresh(ledger))
        except exc.IntegrityError as error:
            refusals.append(str(error.orig))

    with ledger.database.transaction() as session:
        session.execute(text(close))
        other = threading.Thread(target=write)
        other.start()
        other.join(0.5)
        assert other.is_alive()
    other.join(10)
    assert len(refusals) == 1
    assert "the day does not take this entry" in refusals[0]
    assert len(ledger.entries()) == 18


@both
def test_an_entry_keeps_its_rules(ledger: Office) -> None:
    honest = fresh(ledger)
    for changes in WRONG:
        refused(ledger, ENTRY, honest | changes)


def test_an_honest_entry_by_hand_is_taken(ledger: Office) -> None:
    """Else the refusals above could have another reason."""
    run(ledger, ENTRY, fresh(ledger))
    assert ledger.scalar(select(Entry.amount_cents).where(Entry.entry_no == 19)) == -1000


def test_no_float_or_word_is_money(ledger: Office) -> None:
    for amount in (-1000.5, "ten"):
        refused(ledger, ENTRY, fresh(ledger) | {"amount_cents": amount})


@both
def test_a_paid_day_stays(ledger: Office) -> None:
    for change in (
        "state = 'closed', paid_at = NULL, payouts = NULL, payout_cents = NULL",
        "seal = seal",
        "ends_at = starts_at",
        "business_date = '2025-03-01'",
        "parked = 5",
        "payout_cents = 0",
    ):
        refused(ledger, f"UPDATE accounting_day SET {change} WHERE business_date = '2025-03-27'")


@both
def test_days_go_forward_only(ledger: Office) -> None:
    paid = "state = 'paid', paid_at = starts_at, payouts = 0, payout_cents = 0"
    refused(ledger, f"UPDATE accounting_day SET {paid} WHERE business_date = '2025-03-30'")
    refused(ledger, "UPDATE accounting_day SET state = 'closed' WHERE business_date = '2025-03-30'")
    refused(ledger, "DELETE FROM accounting_day WHERE business_date = '2025-03-30'")


@both
def test_the_journal_shows_both_sides_of_each_entry(ledger: Office) -> None:
    rows = ledger.rows(
        text(
            "SELECT ledger_account, SUM(debit_cents) AS debit, SUM(credit_cents) AS credit,"
            " COUNT(account_id) AS people FROM accounting_journal GROUP BY ledger_account"
        )
    )
    sums = {row.ledger_account: (int(row.debit), int(row.credit), row.people) for row in rows}
    assert sums[5000] == (16300, 0, 0)
    assert sums[5900] == (245, 0, 0)
    assert sums[4000] == (0, 13400, 0)
    assert sums[1000] == (0, 4645, 0)
    assert sums[2000][2] == 18
    assert sum(debit for debit, _, _ in sums.values()) == sum(c for _, c, _ in sums.values())


def correction(id: int, **changes: Any) -> Adjustment:
    """A rejected one, if not said otherwise."""
    values: dict[str, Any] = {
        "id": UUID(int=id),
        "account_id": 1,
        "amount_cents": 300,
        "reason": "vet, receipt 119",
        "state": "rejected",
        "requested_by": UUID(int=1),
        "requested_at": moment("30 11:00"),
        "decided_by": UUID(int=2),
        "decided_at": moment("30 12:00"),
    }
    return Adjustment(**(values | changes))


def hold(id: int, **changes: Any) -> Hold:
    """A released one, if not said otherwise."""
    values: dict[str, Any] = {
        "id": UUID(int=id),
        "account_id": 1,
        "reason": "asks for the vet",
        "held_by": UUID(int=1),
        "held_at": moment("30 11:00"),
        "released_by": UUID(int=2),
        "released_at": moment("30 12:00"),
    }
    return Hold(**(values | changes))


def unique_keys(table: Table) -> list[set[str]]:
    """All keys of a table, as sets of columns."""
    keys = [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    indexes = [each.columns for each in table.indexes if each.unique]
    return [set(columns.keys()) for columns in (table.primary_key.columns, *keys, *indexes)]


def another(value: Any) -> Any:
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1 << 60)
    if isinstance(value, date):  # a moment too
        return value + timedelta(days=40)
    if value == "fee":
        return "reward"
    return value + 40 if isinstance(value, int) else value


def by_hand(ledger: Office, act: str, table: Table, values: dict[str, Any]) -> str:
    """What SQLite says to a connection without our settings; nothing is kept of it."""
    statement = table.insert().values(values).compile(dialect=ON_SQLITE)
    words = [
        statement._bind_processors.get(name, lambda value: value)(statement.params[name])
        for name in statement.positiontup or []
    ]
    raw = sqlite3.connect(str(ledger.database.url.database), isolation_level=None)
    try:
        raw.execute("BEGIN IMMEDIATE")
        raw.execute(str(statement).replace("INSERT", act, 1), words)
    except sqlite3.IntegrityError as error:
        return str(error)
    finally:
        raw.close()
    return "taken"


def fresh(ledger: Office) -> dict[str, Any]:
    """The next honest entry: a fee for Ara on the 30th."""
    source: Any = UUID(int=4711)
    sqlite = ledger.database.is_sqlite
    moment = "2025-03-30T10:00:00.000000+00:00"
    return {
        "entry_no": 19,
        "account_id": 1,
        "account_seq": 8,
        "kind": "fee",
        "source_id": str(source) if sqlite else source,
        "source_no": 1,
        "amount_cents": -1000,
        "balance_cents": -2300,
        "business_date": "2025-03-30",
        "occurred_on": "2025-03-30",
        "occurred_at": moment,
        "posted_at": moment,
    }


def refused(ledger: Office, statement: str, values: dict[str, Any] | None = None) -> None:
    before = ledger.entries()
    with pytest.raises(exc.DBAPIError) as refusal:
        run(ledger, statement, values)
    assert isinstance(refusal.value, exc.IntegrityError | exc.NotSupportedError), refusal.value
    assert ledger.entries() == before


def run(ledger: Office, statement: str, values: dict[str, Any] | None = None) -> None:
    with ledger.database.transaction() as session:
        session.execute(text(statement), values or {})
