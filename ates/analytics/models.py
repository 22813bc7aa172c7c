"""The tables of analytics: sums made from events, one set per generation, so that a rebuild can run
beside the live one."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ates.kernel import db
from ates.kernel.db import STRICT
from ates.kernel.types import BigInt, Day, Id, UTCDateTime


class Base(DeclarativeBase):
    metadata = db.metadata()


class Head(Base):
    """How far a generation has read the ledger: its last event and its last entry."""

    __tablename__ = "analytics_head"
    __table_args__ = (STRICT,)

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    key_version: Mapped[int] = mapped_column(BigInt)
    entry_no: Mapped[int] = mapped_column(BigInt)
    posted_at: Mapped[datetime] = mapped_column(UTCDateTime)  # "as of"


class DaySum(Base):
    """A business day: its borders, the sums of its entries, and its control events once said."""

    __tablename__ = "analytics_day"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'closed', 'paid')", name="state"),
        CheckConstraint("ends_at > starts_at", name="borders"),
        Index("ix_analytics_day_starts_at", "generation", "starts_at"),
        STRICT,
    )

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    fee_cents: Mapped[int] = mapped_column(BigInt)
    reward_cents: Mapped[int] = mapped_column(BigInt)
    adjustment_cents: Mapped[int] = mapped_column(BigInt)
    payout_cents: Mapped[int] = mapped_column(BigInt)
    entries: Mapped[int] = mapped_column(BigInt)
    payouts: Mapped[int] = mapped_column(BigInt)  # entries of that kind, among `entries`
    state: Mapped[str] = mapped_column(Text)
    below_zero: Mapped[int | None] = mapped_column(BigInt)  # at the close, as accounting said
    lost: Mapped[int | None] = mapped_column(BigInt)  # who lost money, counted at the close
    closed_by: Mapped[int | None] = mapped_column(BigInt)  # key_version of its DayClosed
    paid_by: Mapped[int | None] = mapped_column(BigInt)  # key_version of its DayPaid


class Person(Base):
    """One person: the name from auth, the balance from accounting, whichever was heard first."""

    __tablename__ = "analytics_person"
    __table_args__ = (
        Index(
            "ix_analytics_person_below_zero",
            "generation",
            "balance_cents",
            "person_id",
            sqlite_where=text("balance_cents < 0"),
            postgresql_where=text("balance_cents < 0"),
        ),
        STRICT,
    )

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInt)  # of auth's event the name comes from
    balance_cents: Mapped[int] = mapped_column(BigInt)
    entries: Mapped[int] = mapped_column(BigInt)  # 0: no account yet


class PersonDay(Base):
    """What one day brought one person."""

    __tablename__ = "analytics_person_day"
    __table_args__ = (
        Index(
            "ix_analytics_person_day_lost",
            "generation",
            "business_date",
            "earned_cents",
            "person_id",
            sqlite_where=text("earned_cents < 0"),
            postgresql_where=text("earned_cents < 0"),
        ),
        STRICT,
    )

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    earned_cents: Mapped[int] = mapped_column(BigInt)  # fees and rewards
    net_cents: Mapped[int] = mapped_column(BigInt)  # all kinds


class DayBelow(Base):
    """Who was below zero at the close of a day: what `DaySum.below_zero` counts."""

    __tablename__ = "analytics_day_below"
    __table_args__ = (
        CheckConstraint("balance_cents < 0", name="balance_cents"),
        Index(
            "ix_analytics_day_below_depth",
            "generation",
            "business_date",
            "balance_cents",
            "person_id",
        ),
        STRICT,
    )

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    balance_cents: Mapped[int] = mapped_column(BigInt)


class MinuteSum(Base):
    """What one minute brought the newest three days by fees and rewards, by when it happened.

    With `MomentSum` it answers "what had yesterday brought by this time" to the microsecond: whole
    minutes from here, at most 1,440 rows, and the moments of the last one from there. Neither grows
    with the books, as only the days that can still be a yesterday are kept.
    """

    __tablename__ = "analytics_minute"
    __table_args__ = (STRICT,)

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    began_at: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    earned_cents: Mapped[int] = mapped_column(BigInt)


class MomentSum(Base):
    """The same by the very moment."""

    __tablename__ = "analytics_moment"
    __table_args__ = (STRICT,)

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    business_date: Mapped[date] = mapped_column(Day, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    earned_cents: Mapped[int] = mapped_column(BigInt)


class DayReward(Base):
    """Tasks completed on a day by reward: the top and its ties fall out (R20)."""

    __tablename__ = "analytics_day_reward"
    __table_args__ = (STRICT,)

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    completed_on: Mapped[date] = mapped_column(Day, primary_key=True)
    reward_cents: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    tasks: Mapped[int] = mapped_column(BigInt)
    first_task_id: Mapped[UUID] = mapped_column(Id)
    first_person_id: Mapped[UUID] = mapped_column(Id)
    first_completed_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Task(Base):
    """A rewarded task: when, by whom and for how much, and how it is called once that is known."""

    __tablename__ = "analytics_task"
    __table_args__ = (
        Index(
            "ix_analytics_task_reward",
            "generation",
            "reward_cents",
            "completed_on",
            "completed_at",
            "task_id",
        ),
        STRICT,
    )

    generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    task_id: Mapped[UUID] = mapped_column(Id, primary_key=True)
    person_id: Mapped[UUID] = mapped_column(Id)
    reward_cents: Mapped[int] = mapped_column(BigInt)
    completed_on: Mapped[date] = mapped_column(Day)
    completed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    number: Mapped[int | None] = mapped_column(BigInt)
    title: Mapped[str | None] = mapped_column(Text)
    jira_id: Mapped[str | None] = mapped_column(Text)
