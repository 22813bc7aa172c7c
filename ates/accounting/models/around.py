"""What stands around the books: letters, runs of commands, names, form keys."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ates.accounting.models.base import ROOMY, Base
from ates.kernel import db
from ates.kernel.mail import LetterColumns, correlation_index, due_index, state_check
from ates.kernel.once import RequestColumns
from ates.kernel.types import BigInt, Day, Id, Truth, UTCDateTime


class PayoutLetter(LetterColumns, Base):
    """The letter of one payout, with its figures frozen: a repeat has the same bytes."""

    __tablename__ = "accounting_letter"

    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    locale: Mapped[str | None] = mapped_column(Text)  # known when the address is
    zone: Mapped[str] = mapped_column(Text)  # of the business day
    previous_date: Mapped[date | None] = mapped_column(Day)  # the business day before
    carried_cents: Mapped[int] = mapped_column(BigInt)  # brought into the day
    reward_cents: Mapped[int] = mapped_column(BigInt)
    rewards: Mapped[int] = mapped_column(BigInt)
    fee_cents: Mapped[int] = mapped_column(BigInt)
    fees: Mapped[int] = mapped_column(BigInt)
    adjustment_cents: Mapped[int] = mapped_column(BigInt)
    adjustments: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (
        ForeignKeyConstraint(
            ["business_date", "account_id"],
            ["accounting_payout.business_date", "accounting_payout.account_id"],
        ),
        state_check(),
        CheckConstraint("locale IS NOT NULL OR state = 'waiting_address'", name="locale"),
        due_index("accounting_letter"),
        correlation_index("accounting_letter"),
        # Nearly all are sent; each day's panel asks for the others.
        Index(
            "ix_accounting_letter_unsent",
            "business_date",
            "state",
            sqlite_where=text("state <> 'sent'"),
            postgresql_where=text("state <> 'sent'"),
        ),
        Index(
            "ix_accounting_letter_waiting",
            "account_id",
            sqlite_where=text("state = 'waiting_address'"),
            postgresql_where=text("state = 'waiting_address'"),
        ),
        ROOMY,
    )


class CommandRun(Base):
    """One start of a command over the books; without an end it was killed or still runs."""

    __tablename__ = "accounting_run"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    command: Mapped[Literal["payout", "verify"]] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(BigInt)
    exit_code: Mapped[int | None] = mapped_column(BigInt)
    report: Mapped[str] = mapped_column(Text)  # JSON, amounts in integer cents

    __table_args__ = (
        CheckConstraint("command IN ('payout', 'verify')", name="command"),
        CheckConstraint("(finished_at IS NULL) = (exit_code IS NULL)", name="finished"),
        db.STRICT,
    )


class Person(Base):
    """The local picture of a person, made of auth's events; the only personal data in the books."""

    __tablename__ = "accounting_person"

    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    trade: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Truth)
    version: Mapped[int] = mapped_column(BigInt)  # key_version of the newest event heard

    __table_args__ = (db.STRICT,)


class Card(Base):
    """How a task is called, for display only."""

    __tablename__ = "accounting_card"

    task_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(BigInt, index=True)
    title: Mapped[str] = mapped_column(Text)
    jira_id: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInt)  # key_version of the newest event heard

    __table_args__ = (db.STRICT,)


class Request(RequestColumns, Base):
    """Keys of forms that were sent (kernel.once)."""

    __tablename__ = "accounting_request"
    __table_args__ = (db.STRICT,)
