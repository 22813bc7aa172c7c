"""What the database refuses by itself, whoever asks (books.md, chapter 3)."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import exc, select, text

from ates.accounting.models import Entry
from tests.accounting.make import Office, worked_example
from tests.engines.marks import both, only_postgresql

KEPT = {
    "accounting_entry": "amount_cents",
    "accounting_block": "key_id",
    "accounting_price": "priced_at",
    "accounting_payout": "amount_cents",
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
    """The books of the worked example: 27, 28, 29 paid, 30 open."""
    list(worked_example(office))
    return office


@both
def test_no_row_is_changed_or_removed(ledger: Office) -> None:
    for table, column in KEPT.items():
        refused(ledger, f"UPDATE {table} SET {column} = {column}")
        refused(ledger, f"DELETE FROM {table}")


@only_postgresql
def test_no_table_is_emptied(ledger: Office) -> None:
    for table in (*KEPT, "accounting_day"):
        refused(ledger, f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize(
    "key",
    ["entry_no", "account_id, account_seq", "kind, source_id, source_no"],
)
def test_replace_passes_through_no_unique_key(ledger: Office, key: str) -> None:
    """An old entry was once replaced by a new number with its business key."""
    old = ledger.entries()[0]
    row = fresh(ledger)
    for name in key.split(", "):
        row[name] = str(getattr(old, name)) if name == "source_id" else getattr(old, name)
    refused(ledger, ENTRY.replace("INSERT", "INSERT OR REPLACE"), row)
    refused(ledger, ENTRY.replace("INSERT", "REPLACE"), row)
    refused(ledger, ENTRY, row)


def test_replace_of_rows_by_themselves_is_refused(ledger: Office) -> None:
    for table in (*KEPT, "accounting_day"):
        refused(ledger, f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")


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
