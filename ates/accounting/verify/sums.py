"""All sums again from the entries, and what must hold of payouts, letters, seals and prices."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import case, func, literal, select
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
    PriceTotal,
    TaskPrice,
)
from ates.accounting.pricing import cents_of
from ates.accounting.verify.beside import beside, comparisons
from ates.accounting.verify.difference import Difference
from ates.accounting.verify.entries import price_key

Question = Any  # a SELECT; its exact row type says nothing here
KINDS = ("fee", "reward", "adjustment", "payout")


def sums(session: Session, books: Books) -> Iterator[Difference]:
    """Compare every table that follows from the entries with them, both ways; then what must hold
    of payouts, seals and prices."""
    for name, kept, again in [*_comparisons(), *comparisons()]:
        for row in session.execute(_either(kept, again)):
            yield Difference(f"{name} differs from the entries: {_plain(row)}")
    yield from beside(session)
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
            "the tasks of one price",
            select(PriceTotal.kind, PriceTotal.cents, PriceTotal.tasks),
            _of_prices(),
        ),
    ]


def _either(kept: Question, again: Question) -> Question:
    """Rows that only one side has; EXCEPT takes NULL for a value, which `<>` does not."""
    due = select(again.cte("due"))  # used twice, and made once
    one, other = kept.except_(due).subquery(), due.except_(kept).subquery()
    return select(literal("kept").label("side"), *one.c).union_all(
        select(literal("due").label("side"), *other.c)
    )


def _of_prices() -> Question:
    fees, rewards = (
        select(literal(kind).label("kind"), cents.label("cents"), func.count().label("tasks"))
        .select_from(TaskPrice)
        .group_by(cents)
        for kind, cents in (("fee", TaskPrice.fee_cents), ("reward", TaskPrice.reward_cents))
    )
    return select(fees.union_all(rewards).subquery())


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
    """The seal of each closed day, from its ordinary sums: no payout moves them any more."""
    keys = [books.keyring.sub_key(key_id, "chain") for key_id in books.keyring.keys]
    sums = [
        total(case((DayTotal.kind == kind, DayTotal.amount_cents), else_=0)) for kind in KINDS[:3]
    ]
    rows = session.execute(
        select(BusinessDay, Block.hash, *sums)
        .outerjoin(Block, Block.block_no == BusinessDay.close_block_no)
        .outerjoin(DayTotal, DayTotal.business_date == BusinessDay.business_date)
        .where(BusinessDay.state != "open")
        .group_by(BusinessDay.business_date, Block.block_no)
        .order_by(BusinessDay.business_date)
    )
    for day, found, *cents in rows:
        last = BEFORE_ALL if day.close_block_no == 0 else found
        closed_after = day.close_entry_no or 0
        if last is None or day.seal not in [
            seal_of(key, day, closed_after, last, cents) for key in keys
        ]:
            yield Difference(f"{day.business_date} does not match its seal")


def _prices(session: Session, books: Books) -> Iterator[Difference]:
    """P7: every price is what its key draws for its task, also of tasks without an entry."""
    keys: dict[int, bytes | None] = {}
    columns = (TaskPrice.task_id, TaskPrice.fee_cents, TaskPrice.reward_cents, TaskPrice.key_id)
    rows = session.execute(select(*columns).execution_options(yield_per=1000))
    for task, fee, reward, key_id in rows:
        if key_id not in keys:
            keys[key_id] = price_key(books, key_id)
        key = keys[key_id]
        if key is None or cents_of(task.bytes, key) != (fee, reward):
            yield Difference(f"the price of task {task} is not the one drawn")
