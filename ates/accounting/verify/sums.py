"""All sums again from the entries, and what must hold of payouts, letters, seals and prices."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, case, func, literal, select
from sqlalchemy.orm import Session

from ates.accounting.balances import total
from ates.accounting.chain import BEFORE_ALL
from ates.accounting.closing import seal_of
from ates.accounting.keyring import Books
from ates.accounting.models import (
    Account,
    AccountDay,
    Block,
    BusinessDay,
    DayReward,
    DayTotal,
    Entry,
    Payout,
    PayoutLetter,
    TaskPrice,
)
from ates.accounting.verify.blocks import drawn_by_key
from ates.accounting.verify.difference import Difference

Question = Any  # a SELECT; its exact row type says nothing here
KINDS = ("fee", "reward", "adjustment", "payout")


def sums(session: Session, books: Books) -> Iterator[Difference]:
    """Compare every sum table with the entries, both ways; then payouts, letters, seals, prices."""
    for name, kept, again in _comparisons():
        for row in session.execute(_either(kept, again)):
            yield Difference(f"{name} differs from the entries: {_plain(row)}")
    yield from _paid_days(session)
    yield from _seals(session, books)
    yield from _prices(session, books)


def _comparisons() -> list[tuple[str, Question, Question]]:
    e = Entry
    cents = [_of_kind(kind) for kind in KINDS]
    return [
        (
            "the balance of an account",
            select(Account.id, Account.balance_cents, Account.last_seq),
            select(e.account_id, total(e.amount_cents), func.max(e.account_seq)).group_by(
                e.account_id
            ),
        ),
        (
            "the day of an account",
            select(
                AccountDay.account_id,
                AccountDay.business_date,
                *(getattr(AccountDay, f"{kind}_cents") for kind in KINDS),
                AccountDay.entries,
                AccountDay.first_seq,
                AccountDay.last_seq,
            ),
            select(
                e.account_id,
                e.business_date,
                *cents,
                func.count(),
                func.min(e.account_seq),
                func.max(e.account_seq),
            ).group_by(e.account_id, e.business_date),
        ),
        (
            "the total of a day",
            select(
                DayTotal.business_date,
                DayTotal.kind,
                DayTotal.amount_cents,
                DayTotal.entries,
                DayTotal.first_entry_no,
                DayTotal.last_entry_no,
            ),
            select(
                e.business_date,
                e.kind,
                total(e.amount_cents),
                func.count(),
                func.min(e.entry_no),
                func.max(e.entry_no),
            ).group_by(e.business_date, e.kind),
        ),
        (
            "the rewards of a day",
            select(
                DayReward.completed_on,
                DayReward.reward_cents,
                DayReward.tasks,
                DayReward.first_entry_no,
            ),
            select(e.occurred_on, e.amount_cents, func.count(), func.min(e.entry_no))
            .where(e.kind == "reward")
            .group_by(e.occurred_on, e.amount_cents),
        ),
        (
            "a payout",
            select(Payout.business_date, Payout.account_id, Payout.amount_cents, Payout.entry_no),
            select(e.business_date, e.account_id, -e.amount_cents, e.entry_no).where(
                e.kind == "payout"
            ),
        ),
        (
            "a letter",
            select(PayoutLetter.business_date, PayoutLetter.account_id),
            select(e.business_date, e.account_id).where(e.kind == "payout"),
        ),
    ]


def _either(kept: Question, again: Question) -> Question:
    """Rows that only one side has; EXCEPT takes NULL for a value, which `<>` does not."""
    one, other = kept.except_(again).subquery(), again.except_(kept).subquery()
    return select(literal("kept").label("side"), *one.c).union_all(
        select(literal("due").label("side"), *other.c)
    )


def _of_kind(kind: str) -> Any:
    return total(case((Entry.kind == kind, Entry.amount_cents), else_=0))


def _plain(row: Any) -> str:
    return f"{row[0]} {', '.join(str(value) for value in row[1:])}"


def _paid_days(session: Session) -> Iterator[Difference]:
    rows = session.execute(
        select(
            BusinessDay.business_date,
            BusinessDay.payouts,
            BusinessDay.payout_cents,
            func.count(Payout.account_id).label("count"),
            total(Payout.amount_cents).label("cents"),
        )
        .outerjoin(Payout, Payout.business_date == BusinessDay.business_date)
        .where(BusinessDay.state == "paid")
        .group_by(BusinessDay.business_date, BusinessDay.payouts, BusinessDay.payout_cents)
    )
    for row in rows:
        if (row.payouts, row.payout_cents) != (row.count, row.cents):
            yield Difference(
                f"{row.business_date} says {row.payouts} payouts, there are {row.count}",
                cents=row.payout_cents - row.cents,
            )


def _seals(session: Session, books: Books) -> Iterator[Difference]:
    """The seal of each closed day, from the entries that counted in it when it was closed."""
    ordinary = and_(Entry.business_date == BusinessDay.business_date, Entry.kind != "payout")
    rows = session.execute(
        select(
            BusinessDay.__table__,
            Block.hash.label("last_hash"),
            *(_of_kind(kind).label(f"{kind}_sum") for kind in KINDS[:3]),
        )
        .outerjoin(Block, Block.block_no == BusinessDay.close_block_no)
        .outerjoin(Entry, ordinary)
        .where(BusinessDay.state != "open")
        .group_by(BusinessDay.business_date, Block.hash)
    )
    for row in rows:
        cents = [getattr(row, f"{kind}_sum") for kind in KINDS[:3]]
        last = BEFORE_ALL if row.close_block_no == 0 else row.last_hash
        keys = (books.keyring.sub_key(key_id, "chain") for key_id in books.keyring.keys)
        if last is None or row.seal not in [
            seal_of(key, row, row.close_entry_no, last, cents) for key in keys
        ]:
            yield Difference(f"{row.business_date} does not match its seal")


def _prices(session: Session, books: Books) -> Iterator[Difference]:
    rows = session.execute(select(TaskPrice.__table__).execution_options(yield_per=1000))
    for row in rows:
        if not drawn_by_key(books, row):
            yield Difference(f"the price of task {row.task_id} is not the one drawn")
