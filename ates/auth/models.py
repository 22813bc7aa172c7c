"""The tables of auth, and the rules a single row can keep by itself."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ates.contracts.auth import PersonChanged, PersonRegistered, Role
from ates.kernel import db
from ates.kernel.mail import LetterColumns, correlation_index, due_index, state_check
from ates.kernel.once import RequestColumns
from ates.kernel.types import BigInt, Id, Truth, UTCDateTime

# Keys are compared and sorted by code points, the same on both databases.
Plain = Text().with_variant(Text(collation="C"), "postgresql")

IDLE = timedelta(minutes=60)
LONGEST = timedelta(hours=12)
TOUCHED_EACH = timedelta(minutes=5)
TOKEN_LIFE = timedelta(days=365)


class Base(DeclarativeBase):
    metadata = db.metadata()


class Person(db.Aggregate, Base):
    """Somebody who may sign in. Nobody is ever deleted (R3)."""

    __tablename__ = "auth_person"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(Text)  # as it was written
    email_key: Mapped[str] = mapped_column(Plain, unique=True)  # case-folded: one account each
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Plain)  # case-folded, for order and search
    role: Mapped[Role] = mapped_column(Text)
    trade: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Truth)
    # Rises with each change that makes old proofs of identity wrong; tokens carry it.
    epoch: Mapped[int] = mapped_column(BigInt)
    password_hash: Mapped[str | None] = mapped_column(Text)  # PHC text; None until it is set
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("role IN ('admin', 'manager', 'accountant', 'employee')", name="role"),
        CheckConstraint("epoch > 0 AND said > 0", name="counts"),
        Index("ix_auth_person_name_key", "name_key", "id"),
        Index("ix_auth_person_role", "role", "active"),
        db.STRICT,
    )

    def registered(self) -> PersonRegistered:
        """The event of a new person."""
        return PersonRegistered(**self._state())

    def changed(self) -> PersonChanged:
        """The event of a change: the whole present state."""
        return PersonChanged(**self._state())

    def _state(self) -> dict[str, Any]:
        return {
            "person_id": self.id,
            "key_version": self.next_version(),
            "email": self.email,
            "name": self.name,
            "role": Role(self.role),
            "trade": self.trade,
            "locale": self.locale,
            "active": self.active,
            "epoch": self.epoch,
        }


class SignedIn(Base):
    """A session: the server's half of a sign-in. The cookie's id is kept as its SHA-256 only."""

    __tablename__ = "auth_session"

    hash: Mapped[str] = mapped_column(Plain, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("auth_person.id"), index=True)
    level: Mapped[int] = mapped_column(BigInt)  # 1 a password, 2 a second factor
    made_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (CheckConstraint("level IN (1, 2)", name="level"), db.STRICT)


class Scope(StrEnum):
    """What an API token may do in its person's name."""

    READ = "read"
    WRITE = "write"


class Token(Base):
    """An API token: what a program signs in with. Kept as its SHA-256 only (S24)."""

    __tablename__ = "auth_token"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)  # names it, proves nothing
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("auth_person.id"))
    name: Mapped[str] = mapped_column(Text)  # what the person calls it
    hash: Mapped[str] = mapped_column(Plain, unique=True)
    scope: Mapped[Scope] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("scope IN ('read', 'write')", name="scope"),
        CheckConstraint("ends_at > made_at", name="ends_at"),
        Index("ix_auth_token_person_id", "person_id", "id"),
        db.STRICT,
    )


class LinkKind(StrEnum):
    """What a one-time link is for."""

    INVITATION = "invitation"
    RESET = "reset"


LIFE = {LinkKind.INVITATION: timedelta(days=7), LinkKind.RESET: timedelta(minutes=30)}


class Link(Base):
    """A link that sets a password once. Its secret is derived from its id and stored nowhere."""

    __tablename__ = "auth_link"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Id, ForeignKey("auth_person.id"), index=True)
    kind: Mapped[LinkKind] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)  # used, or made void

    __table_args__ = (
        CheckConstraint("kind IN ('invitation', 'reset')", name="kind"),
        CheckConstraint("ends_at > made_at", name="ends_at"),
        db.STRICT,
    )

    def works(self, at: datetime) -> bool:
        return self.ended_at is None and at < self.ends_at


class Letter(LetterColumns, Base):
    """A letter with a one-time link."""

    __tablename__ = "auth_letter"

    link_id: Mapped[UUID] = mapped_column(Id, ForeignKey("auth_link.id"), primary_key=True)

    __table_args__ = (
        state_check(),
        due_index("auth_letter"),
        correlation_index("auth_letter"),
        db.STRICT,
    )


class Throttle(Base):
    """How often a sign-in failed, per account and per address (throttle.Tries keeps the rules)."""

    __tablename__ = "auth_throttle"

    key: Mapped[str] = mapped_column(Plain, primary_key=True)  # says no address by itself
    failures: Mapped[int] = mapped_column(BigInt)  # in a row
    recent: Mapped[str] = mapped_column(Text)  # moments of the last minute, in milliseconds
    last_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)

    __table_args__ = (CheckConstraint("failures >= 0", name="failures"), db.STRICT)


class Request(RequestColumns, Base):
    """Keys of forms that were sent (kernel.once)."""

    __tablename__ = "auth_request"
    __table_args__ = (db.STRICT,)
