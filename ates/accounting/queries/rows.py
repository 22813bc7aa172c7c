"""Entries as pages show them, and the words in which a list of them is asked for."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from ates.contracts.accounting import Kind

KINDS: tuple[Kind, ...] = ("fee", "reward", "adjustment", "payout")


@dataclass(frozen=True)
class Who:
    """A person as accounting has heard of them."""

    id: UUID
    known_name: str | None  # None: auth has not told of this person yet

    @property
    def name(self) -> str:
        """The name, or the id until the name is known."""
        return self.known_name or str(self.id)


@dataclass(frozen=True)
class Undone:
    """The entry that a correction reverses, in short."""

    entry_no: int
    kind: Kind
    business_date: date
    number: int | None  # of the task
    title: str | None


@dataclass(frozen=True)
class Note:
    """Why a correction was made, who asked for it and who approved it."""

    reason: str
    asked_by: Who
    approved_by: Who
    undone: Undone | None


@dataclass(frozen=True)
class Line:
    """One entry as a page shows it."""

    entry_no: int
    account_seq: int
    person_id: UUID
    name: str | None  # None: auth has not told of this person yet
    kind: Kind
    source_no: int
    amount_cents: int
    balance_cents: int  # after it, as it was stored with it
    business_date: date
    occurred_on: date
    occurred_at: datetime
    posted_at: datetime
    event_id: UUID | None
    number: int | None  # of the task
    title: str | None
    jira_id: str | None
    description: str | None
    letter: str | None  # state of a payout's letter
    source_id: UUID  # of a fee and a reward: the task; of a correction: what people decided
    note: Note | None = None  # of a correction

    @property
    def late(self) -> bool:
        """It counts in a later day than it happened, because that day was closed."""
        return self.occurred_on < self.business_date


@dataclass(frozen=True)
class Scope:
    """Which entries: every part that is given narrows the list."""

    kinds: tuple[Kind, ...] = KINDS
    first: date | None = None  # business dates, both inclusive
    last: date | None = None
    account_id: int | None = None
    task_id: UUID | None = None

    @property
    def dated(self) -> bool:
        return self.first is not None or self.last is not None


@dataclass(frozen=True)
class Place:
    """Where a page of a list begins: below `after`, or above `before`."""

    after: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Page:
    """Newest first, with the places of the pages beside it."""

    lines: tuple[Line, ...]
    newer: int | None = None
    older: int | None = None


@dataclass(frozen=True)
class Total:
    """What all entries of a scope sum to, however many pages they fill."""

    amount_cents: int
    entries: int | None  # None: not kept for this scope

    @property
    def income_cents(self) -> int:
        """The same sum seen by management: what people are charged is income (R16)."""
        return -self.amount_cents


@dataclass(frozen=True)
class Link:
    """The block of an entry and its hash in the chain."""

    block_no: int
    hash: str
