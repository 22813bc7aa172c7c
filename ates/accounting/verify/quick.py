"""Sums against sums: what is asked before anybody is paid (books.md, chapter 14)."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting.balances import total
from ates.accounting.models import (
    Account,
    AccountDay,
    Block,
    BusinessDay,
    DayTotal,
    Entry,
    Head,
    Payout,
    PayoutLetter,
    PostingKind,
)
from ates.accounting.verify.difference import Difference, dollars

KINDS = ("fee", "reward", "adjustment", "payout")


def quick(session: Session) -> list[Difference]:
    """Differences between the sums of the books; none on honest books."""
    return [
        *_trial_balance(session),
        *_days_against_accounts(session),
        *_head(session),
        *_accounts(session),
        *_order_of_days(session),
        *_payouts(session),
    ]


def trial_balance(session: Session) -> dict[int, int]:
    """Per ledger account its sum in signed cents, + for a credit; all of them add up to zero."""
    sums: dict[int, int] = {2000: session.scalar(select(total(Account.balance_cents))) or 0}
    rows = session.execute(
        select(PostingKind.contra, total(DayTotal.amount_cents).label("cents"))
        .join(DayTotal, DayTotal.kind == PostingKind.kind)
        .group_by(PostingKind.contra)
    )
    return sums | {row.contra: -row.cents for row in rows}


def _trial_balance(session: Session) -> Iterator[Difference]:
    sums = trial_balance(session)
    if sum(sums.values()):
        owed, booked = sums[2000], sums[2000] - sum(sums.values())
        yield Difference(
            f"accounts sum to {dollars(owed)}, days to {dollars(booked)}", cents=owed - booked
        )


def _days_against_accounts(session: Session) -> Iterator[Difference]:
    """Per day that is not paid: what the accounts got against what the kinds got."""
    unpaid = select(BusinessDay.business_date).where(BusinessDay.state != "paid")
    columns = [total(getattr(AccountDay, f"{kind}_cents")).label(kind) for kind in KINDS]
    accounts = {
        row.business_date: row
        for row in session.execute(
            select(AccountDay.business_date, *columns)
            .where(AccountDay.business_date.in_(unpaid))
            .group_by(AccountDay.business_date)
        )
    }
    totals: dict[tuple[Any, str], Any] = {
        (row.business_date, row.kind): row
        for row in session.execute(
            select(DayTotal.__table__).where(DayTotal.business_date.in_(unpaid))
        )
    }
    for day in sorted({*accounts, *(day for day, _ in totals)}):
        for kind in KINDS:
            row = totals.get((day, kind))
            of_kind = row.amount_cents if row else 0
            of_accounts = getattr(accounts[day], kind) if day in accounts else 0
            if of_kind != of_accounts:
                yield Difference(
                    f"{kind} of {day}: accounts sum to {dollars(of_accounts)},"
                    f" the day to {dollars(of_kind)}",
                    row.first_entry_no if row else None,
                    row.last_entry_no if row else None,
                    of_accounts - of_kind,
                )


def _head(session: Session) -> Iterator[Difference]:
    head = session.execute(select(Head.__table__)).one()
    last = session.execute(select(Block.__table__).order_by(Block.block_no.desc()).limit(1)).first()
    entry_no = session.scalar(select(func.max(Entry.entry_no))) or 0
    if entry_no != head.last_entry_no:
        low, high = sorted((entry_no, head.last_entry_no))
        yield Difference(
            f"the last entry is {entry_no}, the head says {head.last_entry_no}", low + 1, high
        )
    found = (last.block_no, last.last_entry_no, last.hash) if last else (0, 0, bytes(32))
    if found != (head.last_block_no, head.last_entry_no, head.last_hash):
        yield Difference(f"the last block is {found[0]}, the head says {head.last_block_no}")


def _accounts(session: Session) -> Iterator[Difference]:
    """Accounts are numbered densely; what was proven lies behind us."""
    head = session.execute(select(Head.__table__)).one()
    count, last = session.execute(select(func.count(), func.max(Account.id))).one()
    if not count == (last or 0) == head.last_account_id:
        yield Difference(
            f"there are {count} accounts up to {last or 0}, the head says {head.last_account_id}"
        )
    if head.verified_block_no > head.last_block_no:
        yield Difference(
            f"block {head.verified_block_no} is said to be proven, the last is {head.last_block_no}"
        )


def _order_of_days(session: Session) -> Iterator[Difference]:
    """C1: days adjoin. C2: paid, then closed, then open, each after it has ended."""
    order = {"paid": 0, "closed": 1, "open": 2}
    rows = session.execute(
        select(
            BusinessDay.business_date,
            BusinessDay.starts_at,
            BusinessDay.ends_at,
            BusinessDay.state,
            BusinessDay.closed_at,
        ).order_by(BusinessDay.business_date)
    ).all()
    for row in rows:
        # Nothing of the sort is known of paid_at: a clock may have been set back since the close.
        if row.closed_at is not None and row.closed_at < row.ends_at:
            yield Difference(f"{row.business_date} was closed before it ended")
    for one, next_one in pairwise(rows):
        if one.ends_at != next_one.starts_at:
            yield Difference(f"{one.business_date} and {next_one.business_date} do not adjoin")
        if order[one.state] > order[next_one.state]:
            yield Difference(
                f"{next_one.business_date} is {next_one.state}"
                f" while {one.business_date} before it is {one.state}"
            )


def _payouts(session: Session) -> Iterator[Difference]:
    payouts, letters = (
        session.scalar(select(func.count()).select_from(model)) for model in (Payout, PayoutLetter)
    )
    if payouts != letters:
        yield Difference(f"there are {payouts} payouts and {letters} letters")
    paid = session.scalar(select(total(Payout.amount_cents))) or 0
    booked = session.scalar(select(total(DayTotal.amount_cents)).where(DayTotal.kind == "payout"))
    if paid + (booked or 0):
        yield Difference(
            f"payouts sum to {dollars(paid)}, their entries to {dollars(-(booked or 0))}",
            cents=paid + (booked or 0),
        )
