"""What people decide about the books: corrections and holds; and the record of who did what."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from ates.accounting.models.base import Base
from ates.kernel import db
from ates.kernel.audit import AuditColumns, AuditHeadColumns
from ates.kernel.mail import LetterColumns, correlation_index, due_index, state_check
from ates.kernel.types import BigInt, Day, Id, UTCDateTime

AdjustmentState = Literal["requested", "approved", "rejected"]

LEAST = 10  # characters of a reason: enough to be one
MOST = 500
LIMIT_CENTS = 10_000_00  # of a correction, either way


class Adjustment(Base):
    """A correction: asked for by one person, decided by another, never changed afterwards."""

    __tablename__ = "accounting_adjustment"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInt, ForeignKey("accounting_account.id"), index=True)
    amount_cents: Mapped[int] = mapped_column(BigInt)  # + in favour of the person
    reason: Mapped[str] = mapped_column(Text)  # read by the person
    reverses_entry_no: Mapped[int | None] = mapped_column(
        BigInt, ForeignKey("accounting_entry.entry_no")
    )
    state: Mapped[AdjustmentState] = mapped_column(Text)
    requested_by: Mapped[UUID] = mapped_column(Id)
    requested_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_by: Mapped[UUID | None] = mapped_column(Id)
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    entry_no: Mapped[int | None] = mapped_column(
        BigInt, ForeignKey("accounting_entry.entry_no"), unique=True
    )

    __table_args__ = (
        CheckConstraint("state IN ('requested', 'approved', 'rejected')", name="state"),
        CheckConstraint(
            "amount_cents <> 0 AND amount_cents BETWEEN -1000000 AND 1000000", name="amount"
        ),
        CheckConstraint("length(reason) BETWEEN 10 AND 500", name="reason"),
        CheckConstraint("decided_by <> requested_by", name="four_eyes"),
        CheckConstraint(
            "(state = 'requested') = (decided_by IS NULL)"
            " AND (state = 'requested') = (decided_at IS NULL)"
            " AND (state = 'approved') = (entry_no IS NOT NULL)",
            name="decided",
        ),
        Index(
            "uq_accounting_adjustment_reverses",
            "reverses_entry_no",
            unique=True,
            sqlite_where=text("state <> 'rejected'"),
            postgresql_where=text("state <> 'rejected'"),
        ),
        Index("ix_accounting_adjustment_state", "state", "id"),
        db.STRICT,
    )


class Hold(Base):
    """Stops a day and all later ones, one account, or, naming neither, all payouts and letters.

    Active until another person releases it. Without `held_by` the proof of the books set it.
    """

    __tablename__ = "accounting_hold"

    id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    business_date: Mapped[date | None] = mapped_column(
        Day, ForeignKey("accounting_day.business_date")
    )
    account_id: Mapped[int | None] = mapped_column(BigInt, ForeignKey("accounting_account.id"))
    reason: Mapped[str] = mapped_column(Text)
    held_by: Mapped[UUID | None] = mapped_column(Id)
    held_at: Mapped[datetime] = mapped_column(UTCDateTime)
    released_by: Mapped[UUID | None] = mapped_column(Id)
    released_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("business_date IS NULL OR account_id IS NULL", name="one"),
        CheckConstraint("length(reason) BETWEEN 10 AND 500", name="reason"),
        CheckConstraint("released_by <> held_by", name="four_eyes"),
        CheckConstraint("(released_by IS NULL) = (released_at IS NULL)", name="released"),
        Index(
            "ix_accounting_hold_active",
            "business_date",
            "account_id",
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_accounting_hold_account_id", "account_id"),
        db.STRICT,
    )


class Audit(AuditColumns, Base):
    """Corrections, holds, exports and looks at other people's accounts (kernel.audit)."""

    __tablename__ = "accounting_audit"
    __table_args__ = (db.STRICT,)


class AuditHead(AuditHeadColumns, Base):
    """Where the audit log ends."""

    __tablename__ = "accounting_audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="one"), db.STRICT)


class SealLetter(LetterColumns, Base):
    """The daily letter that takes a day's seal out of the house, one for each bookkeeper."""

    __tablename__ = "accounting_seal_letter"

    business_date: Mapped[date] = mapped_column(
        Day, ForeignKey("accounting_day.business_date"), primary_key=True
    )
    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    locale: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        state_check(),
        due_index("accounting_seal_letter"),
        correlation_index("accounting_seal_letter"),
        db.STRICT,
    )
