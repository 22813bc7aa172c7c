"""Payouts by day: what was paid, to whom, and where the letters are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting.models import Account, BusinessDay, DayState, Payout, PayoutLetter, Person
from ates.kernel.errors import N_, NotFound

DAYS = 30
PAGE = 100


@dataclass(frozen=True)
class PaidDay:
    """A closed or paid day."""

    day: date
    state: DayState
    closed_at: datetime | None
    paid_at: datetime | None
    people: int
    cents: int
    letters: Mapping[str, int] = field(default_factory=dict)  # state -> how many

    @property
    def agrees(self) -> bool:
        """Each payout has its letter."""
        return sum(self.letters.values()) == self.people


@dataclass(frozen=True)
class Paid:
    """One person's payout."""

    account_id: int
    person_id: UUID
    name: str | None
    cents: int
    entry_no: int
    letter: str | None
    sent_at: datetime | None
    reply: str | None


@dataclass(frozen=True)
class PaidPage:
    """People paid for a day, by account."""

    rows: tuple[Paid, ...]
    older: int | None


def paid_days(session: Session, *, limit: int = DAYS) -> tuple[PaidDay, ...]:
    """Closed and paid days, newest first: three statements."""
    rows = session.scalars(
        select(BusinessDay)
        .where(BusinessDay.state != "open")
        .order_by(BusinessDay.business_date.desc())
        .limit(limit)
    ).all()
    return _with_payouts(session, list(rows))


def paid_day(session: Session, day: date) -> PaidDay:
    """One closed or paid day. Raises NotFound for any other."""
    row = session.get(BusinessDay, day)
    if row is None or row.state == "open":
        raise NotFound(N_("Nothing was paid for this day."))
    return _with_payouts(session, [row])[0]


def people_paid(session: Session, day: date, *, after: int | None = None) -> PaidPage:
    """Who was paid how much for a day, with the letter of each."""
    query = (
        select(
            Payout.account_id,
            Account.person_id,
            Person.name,
            Payout.amount_cents,
            Payout.entry_no,
            PayoutLetter.state,
            PayoutLetter.sent_at,
            PayoutLetter.reply,
        )
        .join(Account, Account.id == Payout.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(
            PayoutLetter,
            (PayoutLetter.business_date == Payout.business_date)
            & (PayoutLetter.account_id == Payout.account_id),
        )
        .where(Payout.business_date == day)
        .order_by(Payout.account_id)
        .limit(PAGE + 1)
    )
    if after is not None:
        query = query.where(Payout.account_id > after)
    rows = [Paid(*row) for row in session.execute(query)]
    return PaidPage(tuple(rows[:PAGE]), rows[PAGE - 1].account_id if len(rows) > PAGE else None)


def _with_payouts(session: Session, rows: list[BusinessDay]) -> tuple[PaidDay, ...]:
    dates = [row.business_date for row in rows]
    paid = {row.business_date: (row.payouts or 0, row.payout_cents or 0) for row in rows}
    closed = [row.business_date for row in rows if row.state == "closed"]  # still being paid
    if closed:
        counted = session.execute(
            select(Payout.business_date, func.count(), func.sum(Payout.amount_cents))
            .where(Payout.business_date.in_(closed))
            .group_by(Payout.business_date)
        )
        paid |= {day: (people, int(cents)) for day, people, cents in counted}
    letters: dict[date, dict[str, int]] = {}
    for day, state, count in session.execute(
        select(PayoutLetter.business_date, PayoutLetter.state, func.count())
        .where(PayoutLetter.business_date.in_(dates))
        .group_by(PayoutLetter.business_date, PayoutLetter.state)
        .order_by(PayoutLetter.business_date, PayoutLetter.state)
    ):
        letters.setdefault(day, {})[state] = count
    return tuple(
        PaidDay(
            day=row.business_date,
            state=row.state,
            closed_at=row.closed_at,
            paid_at=row.paid_at,
            people=paid[row.business_date][0],
            cents=paid[row.business_date][1],
            letters=letters.get(row.business_date, {}),
        )
        for row in rows
    )
