"""The ledger: accounts, entries, blocks, and the head every writer locks."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from ates.accounting.models.base import ROOMY, Base
from ates.contracts.accounting import Kind
from ates.kernel import db
from ates.kernel.types import BigInt, Blob, Day, Id, UTCDateTime


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
        # Late entries are few, and each day's page asks for its own.
        Index(
            "ix_accounting_entry_late",
            "business_date",
            "entry_no",
            sqlite_where=text("occurred_on < business_date"),
            postgresql_where=text("occurred_on < business_date"),
        ),
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
