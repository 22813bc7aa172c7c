"""What handlers and commands want posted, before any of it has touched the database."""

from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from ates.accounting.ledger import plain
from ates.contracts.accounting import Kind
from ates.kernel.envelope import Meta
from ates.kernel.errors import Hopeless

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)  # nothing here is older; a broken clock may say 1970

Key = tuple[Kind, UUID, int]
Content = tuple[UUID, datetime | int]


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact about money. Fee and reward take their amount from the price of the task.

    A struct: made for each event, at a tenth of what a frozen dataclass costs.
    """

    kind: Kind
    source_id: UUID
    source_no: int
    person_id: UUID
    occurred_at: datetime | None = None  # None: it happens as it is posted
    amount_cents: int | None = None  # signed; payout and adjustment only
    settles: date | None = None  # payout only
    cause: Meta | None = None

    @property
    def key(self) -> Key:
        """What makes it this fact and no other, under whatever event id it arrives."""
        return (self.kind, self.source_id, self.source_no)

    @property
    def content(self) -> Content:
        """What a repetition repeats: person and moment; of what people decide, the amount."""
        if self.amount_cents is not None:
            return self.person_id, self.amount_cents
        assert self.occurred_at is not None, "fee and reward have a moment"
        return self.person_id, self.occurred_at


class Contradiction(Hopeless):
    """One fact is told in two ways; a day's anomalies begin with these (they name this class)."""


def refuse_other(key: Key, there: Content, come: Content, where: str) -> None:
    """Raise Contradiction if two contents claim one key: never guess which is right."""
    if there != come:
        kind, source_id, source_no = key
        raise Contradiction(
            f"{kind} of {source_id} no {source_no} {where} {_words(there)},"
            f" and now comes {_words(come)}"
        )


def refuse_ancient(moment: datetime) -> None:
    """Raise Hopeless for an instant before 2020."""
    if moment < EARLIEST:
        raise Hopeless(f"an event of {plain(moment)} is older than the books can be")


def _words(content: Content) -> str:
    person, other = content
    if isinstance(other, datetime):
        return f"for person {person} at {plain(other)}"
    return f"for person {person} with {other} cents"


class PersonCard(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What auth says of a person."""

    person_id: UUID
    version: int
    name: str
    email: str | None
    role: str
    trade: str | None
    locale: str
    active: bool


class TaskCard(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What tasks says of a task; a retitling says neither number nor description."""

    version: int
    title: str
    jira_id: str | None
    number: int | None = None
    description: str | None = None


class Task(msgspec.Struct):
    """A task that a batch names, and what is said of it there, in the order it is heard."""

    id: UUID
    cards: list[TaskCard] = []  # each gets its own
    created: bool = False  # the batch begins with it: nothing can be known of it
