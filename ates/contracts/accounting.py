"""What accounting tells the others: one stream, `ledger:main`, in the order of its commits."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from ates.kernel.events import Instant, event

LEDGER = "main"
Kind = Literal["fee", "reward", "payout", "adjustment"]


class Price(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a task costs and brings; drawn once, never changed (R13)."""

    task_id: UUID
    fee_cents: int  # positive
    reward_cents: int  # positive


class PostedEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry of the ledger. `amount_cents` is signed: + the company owes the person more."""

    entry_no: int
    person_id: UUID
    kind: Kind
    amount_cents: int
    business_date: date
    occurred_on: date
    occurred_at: Instant
    source_id: UUID  # the task of a fee or reward, the person of a payout, the adjustment
    source_no: int  # the assignment number of a fee, 0 of a reward, yyyymmdd of a payout


class Card(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a rewarded task is called, for those who do not listen to tasks."""

    task_id: UUID
    number: int
    title: str
    jira_id: str | None = None


@event("accounting.day_opened", version=1, key="ledger")
class DayOpened:
    """A business day has its borders: `starts_at` inclusive, `ends_at` exclusive."""

    ledger: str
    key_version: int
    business_date: date
    starts_at: Instant
    ends_at: Instant


@event("accounting.tasks_priced", version=1, key="ledger")
class TasksPriced:
    """Tasks were heard of for the first time and got their prices (R13)."""

    ledger: str
    key_version: int
    prices: list[Price]


@event("accounting.entries_posted", version=1, key="ledger")
class EntriesPosted:
    """One block of the ledger, 1 to 500 entries without a gap."""

    ledger: str
    key_version: int
    block_no: int
    entries: Annotated[list[PostedEntry], msgspec.Meta(min_length=1, max_length=500)]
    cards: list[Card]  # of the rewarded tasks in it, as far as known


@event("accounting.day_closed", version=1, key="ledger")
class DayClosed:
    """No ordinary entry will count in this day any more; its control totals."""

    ledger: str
    key_version: int
    business_date: date
    close_entry_no: int
    fee_cents: int  # signed sums as in the ledger: fees are negative
    reward_cents: int
    adjustment_cents: int
    entries: int
    below_zero: int  # people whose balance as of the end of the day is negative
    parked: int  # events of the day that were set aside at the close
    seal: str  # hexadecimal keyed digest


@event("accounting.day_paid", version=1, key="ledger")
class DayPaid:
    """Everybody with a positive balance as of this day has been paid."""

    ledger: str
    key_version: int
    business_date: date
    payouts: int
    payout_cents: int  # positive
