"""Business days, prices and payouts, and the sums of a day."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ates.accounting.models.base import ROOMY, Base
from ates.contracts.accounting import Kind
from ates.kernel import db
from ates.kernel.types import BigInt, Blob, Day, Id, UTCDateTime

DayState = Literal["open", "closed", "paid"]
PricedKind = Literal["fee", "reward"]


class BusinessDay(Base):
    """A day in the business zone: open, then closed (payouts only), then paid; never back."""

    __tablename__ = "accounting_day"

    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime, unique=True)  # inclusive
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime, unique=True)  # exclusive
    state: Mapped[DayState] = mapped_column(Text)
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    close_entry_no: Mapped[int | None] = mapped_column(BigInt)  # the last entry by then
    close_block_no: Mapped[int | None] = mapped_column(BigInt)
    parked: Mapped[int | None] = mapped_column(BigInt)  # its events set aside by then
    seal: Mapped[bytes | None] = mapped_column(Blob)
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    payouts: Mapped[int | None] = mapped_column(BigInt)
    payout_cents: Mapped[int | None] = mapped_column(BigInt)  # positive

    __table_args__ = (
        CheckConstraint("ends_at > starts_at", name="borders"),
        CheckConstraint("state IN ('open', 'closed', 'paid')", name="state"),
        CheckConstraint(
            "(state = 'open') = (closed_at IS NULL) AND (state = 'open') = (close_entry_no IS NULL)"
            " AND (state = 'open') = (close_block_no IS NULL)"
            " AND (state = 'open') = (parked IS NULL) AND (state = 'open') = (seal IS NULL)",
            name="closing",
        ),
        CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (payouts IS NOT NULL)"
            " AND (state = 'paid') = (payout_cents IS NOT NULL)",
            name="paying",
        ),
        db.STRICT,
    )


class AccountDay(Base):
    """What one business day brought one account; opens its entries by their range of numbers."""

    __tablename__ = "accounting_account_day"

    account_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("accounting_account.id"), primary_key=True
    )
    business_date: Mapped[date] = mapped_column(
        Day, ForeignKey("accounting_day.business_date"), primary_key=True, index=True
    )
    fee_cents: Mapped[int] = mapped_column(BigInt)  # signed, as in the ledger
    reward_cents: Mapped[int] = mapped_column(BigInt)
    adjustment_cents: Mapped[int] = mapped_column(BigInt)
    payout_cents: Mapped[int] = mapped_column(BigInt)
    entries: Mapped[int] = mapped_column(BigInt)
    first_seq: Mapped[int] = mapped_column(BigInt)
    last_seq: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (ROOMY,)


class DayTotal(Base):
    """The sum of one kind on one business day; opens its entries by their range of numbers."""

    __tablename__ = "accounting_day_total"

    business_date: Mapped[date] = mapped_column(
        Day, ForeignKey("accounting_day.business_date"), primary_key=True
    )
    kind: Mapped[Kind] = mapped_column(
        Text, ForeignKey("accounting_posting_kind.kind"), primary_key=True
    )
    amount_cents: Mapped[int] = mapped_column(BigInt)
    entries: Mapped[int] = mapped_column(BigInt)
    first_entry_no: Mapped[int] = mapped_column(BigInt)
    last_entry_no: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (ROOMY,)


class DayReward(Base):
    """How many tasks were completed on a day at one reward: at most 21 rows a day."""

    __tablename__ = "accounting_day_reward"

    completed_on: Mapped[date] = mapped_column(
        Day, ForeignKey("accounting_day.business_date"), primary_key=True
    )
    reward_cents: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    tasks: Mapped[int] = mapped_column(BigInt)
    first_entry_no: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (ROOMY,)


class TaskPrice(Base):
    """What a task costs and brings (R13). Append-only: drawn once, by the key named here."""

    __tablename__ = "accounting_price"

    task_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    fee_cents: Mapped[int] = mapped_column(BigInt)  # positive
    reward_cents: Mapped[int] = mapped_column(BigInt)  # positive
    key_id: Mapped[int] = mapped_column(BigInt)
    priced_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("fee_cents BETWEEN 1000 AND 2000 AND fee_cents % 100 = 0", name="fee"),
        CheckConstraint(
            "reward_cents BETWEEN 2000 AND 4000 AND reward_cents % 100 = 0", name="reward"
        ),
        db.STRICT,
    )


class PriceTotal(Base):
    """How many tasks have one fee, or one reward: at most 32 rows, so nobody counts the prices."""

    __tablename__ = "accounting_price_total"

    kind: Mapped[PricedKind] = mapped_column(Text, primary_key=True)
    cents: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    tasks: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (
        CheckConstraint("kind IN ('fee', 'reward')", name="kind"),
        CheckConstraint("tasks > 0", name="tasks"),
        ROOMY,
    )


class Payout(Base):
    """A day settled for one account. Append-only; the letter is born with it."""

    __tablename__ = "accounting_payout"

    business_date: Mapped[date] = mapped_column(
        Day, ForeignKey("accounting_day.business_date"), primary_key=True
    )
    account_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("accounting_account.id"), primary_key=True
    )
    amount_cents: Mapped[int] = mapped_column(BigInt)  # positive
    entry_no: Mapped[int] = mapped_column(
        BigInt, ForeignKey("accounting_entry.entry_no"), unique=True
    )

    __table_args__ = (CheckConstraint("amount_cents > 0", name="amount"), db.STRICT)
