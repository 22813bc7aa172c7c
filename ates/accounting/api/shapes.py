"""What the JSON endpoints of accounting take and answer."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from ates.accounting.models.decisions import LEAST, LIMIT_CENTS, MOST
from ates.contracts.accounting import Kind
from ates.web.api import CentsAmount, Count, Instant, Me, Page, Somebody, TaskName, example

Number = Annotated[int, example(88213)]
Positive = Annotated[int, Meta(examples=[18720_00], description="A positive sum of cents.")]
AMOUNT = "Cents, not zero; a minus takes money from the account."
BIGGEST = 2**62
LetterState = Literal["queued", "sending", "sent", "failed", "unknown", "waiting_address"]


class Account(Struct):
    """What the company owes one person; below zero, what the person owes."""

    person: Somebody
    balance_cents: CentsAmount
    today_cents: Annotated[int, Meta(examples=[4600], description="Rewards and fees of today.")]
    pending: Annotated[
        int, Meta(ge=0, examples=[1], description="Events of the company not booked yet.")
    ]
    last_entry: Number | None
    as_of: Instant


class Entry(Struct):
    """One fact about money. A fee and a payout are negative, a reward is positive."""

    number: Number
    person: Somebody
    kind: Literal["fee", "reward", "payout", "adjustment"]
    amount_cents: CentsAmount
    balance_after_cents: CentsAmount
    day: Annotated[date, Meta(description="The business day it counts in.")]
    occurred_at: Instant
    posted_at: Instant
    late: Annotated[bool, Meta(description="It happened on an earlier day, closed before it came.")]
    task: TaskName | None
    assignment: Annotated[int, example(2)] | None
    note: (
        Annotated[str, Meta(examples=["vet, receipt 118"], description="Why: of a correction.")]
        | None
    )


class Day(Struct):
    """One business day; its sums are positive, its income is fees minus rewards (R16)."""

    day: date
    state: Literal["open", "closed", "held", "paid"]
    fees_cents: Positive
    rewards_cents: Positive
    income_cents: CentsAmount
    payouts_cents: Positive
    adjustments_cents: CentsAmount
    entries: Count
    as_of: Instant


class Payout(Struct):
    """A day settled for one person: the amount of its entry, so negative."""

    day: date
    person: Somebody
    amount_cents: Annotated[int, example(-6100)]
    entry: Number
    letter: LetterState


class Adjustment(Struct):
    """A correction: asked for by one person, decided by another. + is in favour of the person."""

    id: UUID
    person: Somebody
    amount_cents: Annotated[int, example(245)]
    reason: Annotated[str, example("vet, receipt 118")]
    reverses: Annotated[int, example(88213, "The entry it undoes.")] | None
    state: Literal["requested", "approved", "rejected"]
    requested_by: Somebody
    requested_at: Instant
    decided_by: Somebody | None
    decided_at: Instant | None
    entry: Annotated[int, example(88240, "What it became when it was approved.")] | None


class NewAdjustment(Struct, forbid_unknown_fields=True):
    """Whose account, why, and either an amount or the entry to be reversed."""

    person: UUID
    reason: Annotated[
        str,
        Meta(
            examples=["vet, receipt 118"],
            extra_json_schema={"type": "string", "minLength": LEAST, "maxLength": MOST},
        ),
    ]
    amount_cents: (
        Annotated[int, Meta(ge=-LIMIT_CENTS, le=LIMIT_CENTS, examples=[245], description=AMOUNT)]
        | None
    ) = None
    reverses: (
        Annotated[int, Meta(ge=1, le=BIGGEST, description="A fee, a reward or a correction.")]
        | None
    ) = None


class Adjustments(Page):
    """`state`: only those."""

    state: Literal["requested", "approved", "rejected"] | None = None


class OwnEntries(Page):
    """`day` and `kind` narrow the own log."""

    day: date | None = None
    kind: Kind | None = None


class Entries(OwnEntries):
    """And `person` and `task`, by their ids."""

    person: UUID | None = None
    task: UUID | None = None


class Accounts(Page):
    """`below_zero=true`: only those."""

    below_zero: bool | None = None


class Days(Page):
    """`from` and `to`, both included."""

    first: date | None = field(default=None, name="from")
    to: date | None = None


class Payouts(Page):
    """`day` and `person`; everybody may ask for `person=me`."""

    day: date | None = None
    person: Me | None = None
