"""What entries in the making add to the sums of accounts and days: the rows to be merged."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ates.accounting.models import AccountDay, DayReward, DayTotal
from ates.accounting.writing import Merge, add
from ates.contracts.accounting import Kind

Columns = Mapping[str, Sequence[Any]]  # of entries, side by side
Rows = Iterable[Sequence[Any]]

OF_ACCOUNT = (
    "account_id", "business_date", "fee_cents", "reward_cents", "adjustment_cents",
    "payout_cents", "entries", "first_seq", "last_seq",
)  # fmt: skip
OF_DAY = ("business_date", "kind", "amount_cents", "entries", "first_entry_no", "last_entry_no")
OF_REWARD = ("completed_on", "reward_cents", "tasks", "first_entry_no")
SUM_OF: Mapping[Kind, int] = {  # where the sum of a kind stands in a row of OF_ACCOUNT
    "fee": 2,
    "reward": 3,
    "adjustment": 4,
    "payout": 5,
}


def account_days(entries: Columns) -> Rows:
    """What each account gets on each business day, a row of OF_ACCOUNT each."""
    rows: dict[tuple[int, date], list[Any]] = {}
    for account_id, day, kind, cents, seq in _of(
        entries, "account_id", "business_date", "kind", "amount_cents", "account_seq"
    ):
        row = rows.get((account_id, day))
        if row is None:
            row = rows[account_id, day] = [account_id, day, 0, 0, 0, 0, 0, seq, 0]
        row[SUM_OF[kind]] += cents
        row[6] += 1
        row[8] = seq
    return rows.values()


def day_totals(entries: Columns) -> Rows:
    """What all accounts together get of each kind on each business day: rows of OF_DAY."""
    rows: dict[tuple[date, Kind], list[Any]] = {}
    for day, kind, cents, number in _of(
        entries, "business_date", "kind", "amount_cents", "entry_no"
    ):
        row = rows.get((day, kind))
        if row is None:
            row = rows[day, kind] = [day, kind, 0, 0, number, 0]
        row[2] += cents
        row[3] += 1
        row[5] = number
    return rows.values()


def day_rewards(entries: Columns) -> Rows:
    """How many tasks were completed at each reward on each day: rows of OF_REWARD."""
    rows: dict[tuple[date, int], list[Any]] = {}
    for day, kind, cents, number in _of(entries, "occurred_on", "kind", "amount_cents", "entry_no"):
        if kind != "reward":
            continue
        row = rows.get((day, cents))
        if row is None:
            row = rows[day, cents] = [day, cents, 0, number]
        row[2] += 1
    return rows.values()


def _of(entries: Columns, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(entries[name] for name in names), strict=True)


class Summed(NamedTuple):
    """A table of sums, its columns, what entries add to it, and how that is merged."""

    model: type[Any]
    names: tuple[str, ...]
    rows: Callable[[Columns], Rows]
    merge: Merge


SUMS = (
    Summed(
        AccountDay,
        OF_ACCOUNT,
        account_days,
        add(*OF_ACCOUNT[2:7], latest=("last_seq",)),
    ),
    Summed(DayTotal, OF_DAY, day_totals, add(*OF_DAY[2:4], latest=("last_entry_no",))),
    Summed(DayReward, OF_REWARD, day_rewards, add("tasks")),
)
