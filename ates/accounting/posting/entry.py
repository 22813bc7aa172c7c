"""An entry on its way into the books."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from ates.accounting.chain import Line
from ates.contracts.accounting import Kind, PostedEntry


class NewEntry(NamedTuple):
    """An entry that is being posted, with the names of what a line has. While a batch is made it is
    a plain line: one is made for each event, in a quarter of the time."""

    entry_no: int
    account_id: int
    account_seq: int
    kind: Kind
    source_id: UUID
    source_no: int
    amount_cents: int
    balance_cents: int
    business_date: date
    occurred_on: date
    occurred_at: datetime
    posted_at: datetime
    event_id: UUID | None
    person_id: UUID


def posted(line: Line) -> PostedEntry:
    """What others hear of an entry."""
    (
        entry_no, _, _, kind, source_id, source_no, amount_cents, _,
        business_date, occurred_on, occurred_at, _, _, person_id,
    ) = line  # fmt: skip
    return PostedEntry(
        entry_no=entry_no,
        person_id=person_id,
        kind=kind,
        amount_cents=amount_cents,
        business_date=business_date,
        occurred_on=occurred_on,
        occurred_at=occurred_at,
        source_id=source_id,
        source_no=source_no,
    )
