"""What stands beside the ledger and must say the same: letters, corrections, kinds, openings."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from ates.accounting.models import (
    Account,
    AccountDay,
    Adjustment,
    BusinessDay,
    Entry,
    Payout,
    PayoutLetter,
    PostingKind,
)
from ates.accounting.verify.difference import Difference, at

Comparison = tuple[str, Any, Any]  # what it is, as it is kept, as it is due

CONTRAS = {  # the company's side (books.md, 3)
    "fee": (4000, "Fee income"),
    "reward": (5000, "Reward expense"),
    "payout": (1000, "Cash"),
    "adjustment": (5900, "Adjustments"),
}


def comparisons() -> list[Comparison]:
    """Tables whose rows follow from the entries or from rows that do."""
    e = Entry
    return [
        (
            "a payout",
            select(Payout.business_date, Payout.account_id, Payout.amount_cents, Payout.entry_no),
            select(e.business_date, e.account_id, -e.amount_cents, e.entry_no).where(
                e.kind == "payout"
            ),
        ),
        ("a letter", _letters(), _letters_due()),
        (
            "a correction",
            select(
                Adjustment.entry_no, Adjustment.id, Adjustment.account_id, Adjustment.amount_cents
            ).where(Adjustment.state == "approved"),
            select(e.entry_no, e.source_id, e.account_id, e.amount_cents).where(
                e.kind == "adjustment"
            ),
        ),
        (
            "the opening of an account",
            select(Account.id, Account.opened_at),
            select(e.account_id, e.posted_at).where(e.account_seq == 1),
        ),
    ]


def beside(session: Session) -> Iterator[Difference]:
    """What is no comparison of rows."""
    yield from _kinds(session)
    yield from _message_ids(session)
    yield from _reversals(session)


def _letters() -> Any:
    letter = PayoutLetter
    return select(
        letter.business_date,
        letter.account_id,
        letter.previous_date,
        letter.carried_cents,
        letter.fee_cents,
        letter.reward_cents,
        letter.adjustment_cents,
        letter.fees + letter.rewards + letter.adjustments,
        letter.made_at,
    )


def _letters_due() -> Any:
    """What the letter of each payout says: the day's sums, frozen with it."""
    day, sums = BusinessDay.business_date, AccountDay
    before = select(day.label("day"), func.lag(day).over(order_by=day).label("previous")).subquery()
    return (
        select(
            Payout.business_date,
            Payout.account_id,
            before.c.previous,
            Payout.amount_cents - sums.fee_cents - sums.reward_cents - sums.adjustment_cents,
            sums.fee_cents,
            sums.reward_cents,
            sums.adjustment_cents,
            sums.entries - 1,  # the payout itself
            Entry.posted_at,
        )
        .join(Entry, Entry.entry_no == Payout.entry_no)
        .join(
            sums,
            and_(sums.account_id == Payout.account_id, sums.business_date == Payout.business_date),
        )
        .join(before, before.c.day == Payout.business_date)
    )


def _kinds(session: Session) -> Iterator[Difference]:
    rows = session.execute(select(PostingKind.kind, PostingKind.contra, PostingKind.contra_name))
    found = {str(row.kind): (row.contra, row.contra_name) for row in rows}
    for kind in sorted(found.keys() | CONTRAS):
        if found.get(kind) != CONTRAS.get(kind):
            yield Difference(f"the company's side of a {kind} is {found.get(kind)}")


def _message_ids(session: Session) -> Iterator[Difference]:
    """A letter keeps its Message-ID for ever; only the domain behind it is a setting."""
    letter = PayoutLetter
    due = (
        literal("<payout.")
        + cast(letter.business_date, String)
        + literal(".")
        + cast(letter.account_id, String)
        + literal("@%")
    )
    rows = session.execute(
        select(letter.business_date, letter.account_id)
        .where(letter.message_id.not_like(due))
        .limit(100)
    )
    for row in rows:
        yield Difference(
            f"the letter of account {row.account_id} for {row.business_date} has another Message-ID"
        )


def _reversals(session: Session) -> Iterator[Difference]:
    """A reversal is minus the amount of one fee, reward or correction of the same account."""
    undone, change = aliased(Entry), Adjustment
    rows = session.execute(
        select(change.id, change.reverses_entry_no)
        .outerjoin(undone, undone.entry_no == change.reverses_entry_no)
        .where(
            change.reverses_entry_no.is_not(None),
            or_(
                undone.entry_no.is_(None),
                undone.kind == "payout",
                undone.account_id != change.account_id,
                undone.amount_cents != -change.amount_cents,
            ),
        )
        .limit(100)
    )
    for row in rows:
        yield at(row.reverses_entry_no, f"correction {row.id} is not what undoes it")
