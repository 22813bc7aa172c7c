"""What entries in the making add to the sums of accounts and days: the rows to be merged."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ates.accounting.posting.entry import NewEntry
from ates.contracts.accounting import Kind

SUM_OF: Mapping[Kind, str] = {
    "fee": "fee_cents",
    "reward": "reward_cents",
    "adjustment": "adjustment_cents",
    "payout": "payout_cents",
}

Sum = dict[str, Any]


def account_days(entries: Sequence[NewEntry]) -> list[Sum]:
    """What each account gets on each business day."""
    rows: dict[tuple[int, date], Sum] = {}
    for entry in entries:
        key = entry.account_id, entry.business_date
        row = rows.get(key)
        if row is None:
            row = rows[key] = {
                "account_id": entry.account_id,
                "business_date": entry.business_date,
                "fee_cents": 0,
                "reward_cents": 0,
                "adjustment_cents": 0,
                "payout_cents": 0,
                "entries": 0,
                "first_seq": entry.account_seq,
            }
        row[SUM_OF[entry.kind]] += entry.amount_cents
        row["entries"] += 1
        row["last_seq"] = entry.account_seq
    return list(rows.values())


def day_totals(entries: Sequence[NewEntry]) -> list[Sum]:
    """What all accounts together get of each kind on each business day."""
    rows: dict[tuple[date, Kind], Sum] = {}
    for entry in entries:
        key = entry.business_date, entry.kind
        row = rows.get(key)
        if row is None:
            row = rows[key] = {
                "business_date": entry.business_date,
                "kind": entry.kind,
                "amount_cents": 0,
                "entries": 0,
                "first_entry_no": entry.entry_no,
            }
        row["amount_cents"] += entry.amount_cents
        row["entries"] += 1
        row["last_entry_no"] = entry.entry_no
    return list(rows.values())


def day_rewards(entries: Sequence[NewEntry]) -> list[Sum]:
    """How many tasks were completed at each reward on each day."""
    rows: dict[tuple[date, int], Sum] = {}
    for entry in entries:
        if entry.kind != "reward":
            continue
        key = entry.occurred_on, entry.amount_cents
        row = rows.get(key)
        if row is None:
            row = rows[key] = {
                "completed_on": entry.occurred_on,
                "reward_cents": entry.amount_cents,
                "tasks": 0,
                "first_entry_no": entry.entry_no,
            }
        row["tasks"] += 1
    return list(rows.values())
