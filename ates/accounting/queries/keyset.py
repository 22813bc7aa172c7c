"""Lists for programs, newest first: each row knows the place of the next page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, select, tuple_
from sqlalchemy.orm import Session

from ates.accounting.models import (
    Account,
    AccountDay,
    BusinessDay,
    Entry,
    Payout,
    PayoutLetter,
    Person,
)
from ates.accounting.queries.days import DayFigures, with_sums


@dataclass(frozen=True)
class Held:
    """An account now."""

    account_id: int
    person_id: UUID
    name: str | None
    balance_cents: int
    today_cents: int
    last_entry_no: int | None


@dataclass(frozen=True)
class Settled:
    """One payout with its letter."""

    business_date: date
    account_id: int
    person_id: UUID
    name: str | None
    amount_cents: int  # positive
    entry_no: int
    letter: str


def account_id_of(session: Session, person_id: UUID) -> int | None:
    """The account of a person; None if nothing was ever booked for them."""
    return session.scalar(select(Account.id).where(Account.person_id == person_id))


def account_of(session: Session, person_id: UUID, today: date | None) -> Held | None:
    """One person's account."""
    row = session.execute(_accounts(today).where(Account.person_id == person_id)).one_or_none()
    return Held(*row) if row is not None else None


def accounts_below(
    session: Session, today: date | None, *, below: bool | None, after: int | None, limit: int
) -> Sequence[Held]:
    """Accounts, the newest first; only those below zero, or only the others, if asked."""
    query = _accounts(today)
    if below is not None:
        query = query.where(Account.balance_cents < 0 if below else Account.balance_cents >= 0)
    if after is not None:
        query = query.where(Account.id < after)
    return [Held(*row) for row in session.execute(query.order_by(Account.id.desc()).limit(limit))]


def days_between(
    session: Session,
    *,
    first: date | None,
    last: date | None,
    after: date | None,
    at: datetime,
    limit: int,
) -> Sequence[DayFigures]:
    """Begun days with their sums: three statements."""
    query = select(BusinessDay).where(BusinessDay.starts_at <= at)
    if first is not None:
        query = query.where(BusinessDay.business_date >= first)
    if last is not None:
        query = query.where(BusinessDay.business_date <= last)
    if after is not None:
        query = query.where(BusinessDay.business_date < after)
    rows = session.scalars(query.order_by(BusinessDay.business_date.desc()).limit(limit)).all()
    return with_sums(session, rows)


def payouts(
    session: Session,
    *,
    day: date | None,
    person_id: UUID | None,
    after: tuple[date, int] | None,
    limit: int,
) -> Sequence[Settled]:
    """Payouts by day and account, of one day or one person if asked."""
    query = _payouts()
    if person_id is not None:
        query = query.where(_paid_to(person_id))
    if day is not None:
        query = query.where(Payout.business_date == day)
    if after is not None:
        query = query.where(tuple_(Payout.business_date, Payout.account_id) < after)
    order = (Payout.business_date.desc(), Payout.account_id.desc())
    return [Settled(*row) for row in session.execute(query.order_by(*order).limit(limit))]


# --- how ------------------------------------------------------------------------------------------


def _accounts(today: date | None) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Account.id,
            Account.person_id,
            Person.name,
            Account.balance_cents,
            AccountDay.fee_cents + AccountDay.reward_cents,
            Entry.entry_no,
        )
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(
            AccountDay,
            and_(AccountDay.account_id == Account.id, AccountDay.business_date == today),
        )
        .outerjoin(
            Entry, and_(Entry.account_id == Account.id, Entry.account_seq == Account.last_seq)
        )
    )


def _payouts() -> Select[*tuple[Any, ...]]:
    letter = and_(
        PayoutLetter.business_date == Payout.business_date,
        PayoutLetter.account_id == Payout.account_id,
    )
    return (
        select(
            Payout.business_date,
            Payout.account_id,
            Account.person_id,
            Person.name,
            Payout.amount_cents,
            Payout.entry_no,
            PayoutLetter.state,
        )
        .join(Account, Account.id == Payout.account_id)
        .join(PayoutLetter, letter)
        .outerjoin(Person, Person.person_id == Account.person_id)
    )


def _paid_to(person_id: UUID) -> Any:
    """By the keys of the entries, which begin with kind and person: payouts have no such index."""
    paid = select(Entry.entry_no).where(Entry.kind == "payout", Entry.source_id == person_id)
    return Payout.entry_no.in_(paid)
