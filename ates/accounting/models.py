"""The tables of accounting, and the rules a single row can keep by itself.

Money is signed cents: + means that the company owes the person more. Tables marked append-only, and
the order of days, are guarded by triggers that only the migration knows.
"""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ates.contracts.accounting import Kind
from ates.kernel import db
from ates.kernel.mail import LetterColumns, due_index, state_check
from ates.kernel.once import RequestColumns
from ates.kernel.types import BigInt, Blob, Day, Id, Truth, UTCDateTime

# Rows that change in place leave room on their page, so that PostgreSQL touches no index.
ROOMY: dict[str, Any] = {**db.STRICT, "postgresql_with": {"fillfactor": 80}}

DayState = Literal["open", "closed", "paid"]


class Base(DeclarativeBase):
    metadata = db.metadata()


class PostingKind(Base):
    """A kind of entry and the company's side of it. A person's side is always 2000 Payable."""

    __tablename__ = "accounting_posting_kind"

    kind: Mapped[Kind] = mapped_column(Text, primary_key=True)
    contra: Mapped[int] = mapped_column(BigInt)  # 4000
    contra_name: Mapped[str] = mapped_column(Text)  # Fee income

    __table_args__ = (db.STRICT,)


class Account(Base):
    """What the company owes one person now. Numbered densely, by first appearance."""

    __tablename__ = "accounting_account"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    person_id: Mapped[UUID] = mapped_column(Id, unique=True)
    balance_cents: Mapped[int] = mapped_column(BigInt)
    last_seq: Mapped[int] = mapped_column(BigInt)
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)

    __table_args__ = (
        CheckConstraint("last_seq >= 0", name="last_seq"),
        Index(
            "ix_accounting_account_below_zero",
            "balance_cents",
            sqlite_where=text("balance_cents < 0"),
            postgresql_where=text("balance_cents < 0"),
        ),
        ROOMY,
    )


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


class Entry(Base):
    """One fact about money, debit and credit at once. Append-only, in the order of commits.

    Its key (kind, source_id, source_no) is the business fact: fee (task, assignment number), reward
    (task, 0), payout (person, yyyymmdd), adjustment (adjustment, 0). A second row cannot exist.
    """

    __tablename__ = "accounting_entry"

    entry_no: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(BigInt, ForeignKey("accounting_account.id"))
    account_seq: Mapped[int] = mapped_column(BigInt)  # 1, 2, 3 … within the account
    kind: Mapped[Kind] = mapped_column(Text, ForeignKey("accounting_posting_kind.kind"))
    source_id: Mapped[UUID] = mapped_column(Id)
    source_no: Mapped[int] = mapped_column(BigInt)
    amount_cents: Mapped[int] = mapped_column(BigInt)
    balance_cents: Mapped[int] = mapped_column(BigInt)  # after it, in the order of posting
    business_date: Mapped[date] = mapped_column(  # the day it counts in
        Day, ForeignKey("accounting_day.business_date")
    )
    occurred_on: Mapped[date] = mapped_column(Day)  # the day it happened; earlier means late
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    posted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    event_id: Mapped[UUID | None] = mapped_column(Id)

    __table_args__ = (
        UniqueConstraint("account_id", "account_seq"),
        UniqueConstraint("kind", "source_id", "source_no"),
        CheckConstraint("entry_no > 0", name="entry_no"),
        CheckConstraint("account_seq > 0", name="account_seq"),
        CheckConstraint("occurred_on <= business_date", name="occurred_on"),
        CheckConstraint(
            "kind <> 'fee' OR (amount_cents BETWEEN -2000 AND -1000 AND amount_cents % 100 = 0"
            " AND source_no > 0)",
            name="fee",
        ),
        CheckConstraint(
            "kind <> 'reward' OR (amount_cents BETWEEN 2000 AND 4000 AND amount_cents % 100 = 0"
            " AND source_no = 0)",
            name="reward",
        ),
        CheckConstraint("kind <> 'payout' OR amount_cents < 0", name="payout"),
        CheckConstraint(
            "kind <> 'adjustment' OR (amount_cents <> 0 AND source_no = 0"
            " AND amount_cents BETWEEN -1000000 AND 1000000)",
            name="adjustment",
        ),
        db.STRICT,
    )


class Block(Base):
    """The entries of one transaction and their link in the hash chain. Append-only."""

    __tablename__ = "accounting_block"

    block_no: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    first_entry_no: Mapped[int] = mapped_column(
        BigInt, ForeignKey("accounting_entry.entry_no"), unique=True
    )
    last_entry_no: Mapped[int] = mapped_column(
        BigInt, ForeignKey("accounting_entry.entry_no"), unique=True
    )
    posted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    key_id: Mapped[int] = mapped_column(BigInt)
    hash: Mapped[bytes] = mapped_column(Blob)

    __table_args__ = (
        CheckConstraint("block_no > 0", name="block_no"),
        CheckConstraint("last_entry_no - first_entry_no BETWEEN 0 AND 499", name="size"),
        CheckConstraint("length(hash) = 32", name="hash"),
        db.STRICT,
    )


class Head(Base):
    """The one row that every writer of the books locks first; where the ledger ends."""

    __tablename__ = "accounting_head"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    last_entry_no: Mapped[int] = mapped_column(BigInt)
    last_block_no: Mapped[int] = mapped_column(BigInt)
    last_hash: Mapped[bytes] = mapped_column(Blob)
    last_account_id: Mapped[int] = mapped_column(BigInt)
    said: Mapped[int] = mapped_column(BigInt)  # accounting's own events
    verified_block_no: Mapped[int] = mapped_column(BigInt)

    __table_args__ = (CheckConstraint("id = 1", name="one"), ROOMY)


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
