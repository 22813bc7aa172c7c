"""What can happen, and what accounting notes on it for the others."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from ates.contracts.accounting import DayClosed, DayOpened, DayPaid
from ates.contracts.auth import Role


@dataclass(slots=True)
class Popug:
    """A person. `said_at` is the moment of the one event about them."""

    number: int
    id: UUID
    name: str
    email: str
    role: Role
    locale: str
    said_at: int


@dataclass(slots=True, eq=False)
class Job:
    """A task with all its history; in a page it stands for its completion."""

    number: int
    key: bytes
    id: str
    title: str
    jira_id: str | None
    created_by: str
    at: int
    draws: list["Draw"] = field(default_factory=list)
    done_at: int | None = None
    # What accounting says of it.
    fee_cents: int = 0
    reward_cents: int = 0
    priced_at: int = 0
    reward_entry_no: int | None = None

    @property
    def held_by(self) -> int:
        return self.draws[-1].person


@dataclass(slots=True, eq=False)
class Draw:
    """One assignment of a task to a person (their number)."""

    job: Job
    number: int
    person: int
    at: int
    run: int | None
    entry_no: int | None = None  # accounting says


@dataclass(slots=True, eq=False)
class Press:
    """A shuffle of everything that is open."""

    number: int
    id: str
    pressed_by: str
    at: int
    tasks: int
    people: int
    moved: int
    fees_cents: int
    least: int
    median: int
    most: int


Fact = Job | Draw | Press


@dataclass(slots=True, eq=False)
class Chapter:
    """A business day. Accounting puts its events about it here, and what it paid."""

    day: date
    starts_at: datetime
    ends_at: datetime
    last: bool  # it has not ended yet
    pages: Iterator[list[Fact]]
    opened: DayOpened | None = None
    closed: DayClosed | None = None
    paid: DayPaid | None = None
    payouts: list[tuple[int, int]] = field(default_factory=list)  # person's number, cents
    said: int = 0  # the number of the ledger's last event at its end
