"""Letters at rest: the columns and states of a letter row, and the box a part keeps them in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from ates.kernel import events
from ates.kernel.types import BigInt, UTCDateTime


class LetterState(StrEnum):
    """Where a letter is; the transitions are in books.md, chapter 8."""

    WAITING_ADDRESS = "waiting_address"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class LetterColumns:
    """What every letter row has, beside its part's own key. Mix into a model of the part.

    The part's table adds `state_check()`, the index on what is due: `due_index("auth_letter")`,
    and `correlation_index("auth_letter")`.
    """

    message_id: Mapped[str] = mapped_column(Text, unique=True)
    state: Mapped[LetterState] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInt, default=0)
    doubts: Mapped[int] = mapped_column(BigInt, default=0)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)  # also the letter's fixed Date
    next_try_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reply: Mapped[str | None] = mapped_column(Text)
    # What it comes from (kernel.events.Cause): the last link of a chain that began with a click.
    correlation_id: Mapped[str | None] = mapped_column(
        Text, default=lambda: events.cause().correlation_id
    )


STATE_RULE = "state IN ('waiting_address','queued','sending','sent','failed','unknown')"


def state_check() -> CheckConstraint:
    return CheckConstraint(STATE_RULE, name="state")


def due_index(table: str) -> Index:
    """The partial index the mail worker reads."""
    rule = text("state IN ('queued', 'sending', 'unknown')")
    return Index(f"ix_{table}_due", "next_try_at", sqlite_where=rule, postgresql_where=rule)


def correlation_index(table: str) -> Index:
    """The partial index by which a chain finds its letters."""
    rule = text("correlation_id IS NOT NULL")
    name = f"ix_{table}_correlation_id"
    return Index(name, "correlation_id", sqlite_where=rule, postgresql_where=rule)


L = TypeVar("L", bound=LetterColumns)


@dataclass(frozen=True)
class Letter:
    """What goes out: one receiver, one plain text part, frozen figures.

    `template` is a Jinja text template of the part, rendered with `values` in `locale`; its first
    line is the subject, then an empty line, then the body. Nothing typed by people is in a subject.
    """

    to: str
    locale: str
    template: str
    values: Mapping[str, Any]
    correlation_id: str | None = None


@dataclass(frozen=True)
class LetterBox(Generic[L]):
    """One kind of a part's letters: its table and how a row becomes a letter.

    `compose` runs in the claiming transaction and gives None for a row without an address. While
    `held`, asked in the same transaction, says yes, no letter of the box leaves. Boxes of one part
    differ by their `kind`; the first does without.
    """

    part: str
    model: type[L]
    compose: Callable[[Session, L], Letter | None]
    held: Callable[[Session], bool] = lambda _: False
    kind: str = ""

    @property
    def name(self) -> str:
        """How operators know it: `accounting`, `accounting-seals`."""
        return f"{self.part}-{self.kind}" if self.kind else self.part
