"""Payouts by day: what was paid, to whom, and where the letters are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, true
from sqlalchemy.orm import Session

from ates.accounting.anomalies import NOT_SENT
from ates.accounting.holds import Held
from ates.accounting.models import (
    Account,
    BusinessDay,
    CommandRun,
    DayState,
    Payout,
    PayoutLetter,
    Person,
)
from ates.accounting.queries.holds import ShownState
from ates.kernel.errors import N_, NotFound
from ates.kernel.mail import LetterState

DAYS = 30
LONGEST_RUN = timedelta(days=1)
PAGE = 100


@dataclass(frozen=True)
class Left:
    """Who was not paid for a day: below zero, or held."""

    carried_people: int
    carried_cents: int
    held_people: int
    held_cents: int


@dataclass(frozen=True)
class PaidDay:
    """A closed or paid day."""

    day: date
    state: DayState
    ends_at: datetime
    closed_at: datetime | None
    paid_at: datetime | None
    people: int
    cents: int
    held: bool = False
    left: Left | None = None  # unknown until it is paid
    letters: Mapping[str, int] = field(default_factory=dict)  # state -> how many

    @property
    def shown(self) -> ShownState:
        """The state for people: a day with an active hold is held."""
        return "held" if self.held else self.state

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
    doubts: int | None  # how often it may have arrived without our knowing


@dataclass(frozen=True)
class PaidPage:
    """People paid for a day, by account."""

    rows: tuple[Paid, ...]
    older: int | None


def paid_days(session: Session, held: Held, *, limit: int = DAYS) -> tuple[PaidDay, ...]:
    """Closed and paid days, newest first: three statements.

    Letters that went out are what is left of the payouts; each letter is counted on the page of
    its day, and by the check before anybody is paid.
    """
    rows = session.scalars(
        select(BusinessDay)
        .where(BusinessDay.state != "open")
        .order_by(BusinessDay.business_date.desc())
        .limit(limit)
    ).all()
    paid = _paid_of(session, list(rows))
    letters = {
        day: _with_sent(found, paid[day][0])
        for day, found in _letters(session, list(paid), NOT_SENT).items()
    }
    left = _left(session, list(rows))
    return tuple(
        _day(row, held, paid[row.business_date], letters[row.business_date], left) for row in rows
    )


def paid_day(session: Session, day: date, held: Held) -> PaidDay:
    """One closed or paid day with all its letters; who was left, its runs tell (queries.runs).

    Raises NotFound for any other.
    """
    row = session.get(BusinessDay, day)
    if row is None or row.state == "open":
        raise NotFound(N_("Nothing was paid for this day."))
    letters = _letters(session, [day], true())
    return _day(row, held, _paid_of(session, [row])[day], letters[day], {})


def people_paid(
    session: Session, day: date, *, letter: LetterState | None = None, after: int | None = None
) -> PaidPage:
    """Who was paid how much for a day, with the letter of each."""
    query = _paid(day).order_by(Payout.account_id).limit(PAGE + 1)
    if letter is not None:
        query = query.where(PayoutLetter.state == letter)
    if after is not None:
        query = query.where(Payout.account_id > after)
    rows = [Paid(*row) for row in session.execute(query)]
    return PaidPage(tuple(rows[:PAGE]), rows[PAGE - 1].account_id if len(rows) > PAGE else None)


def payment(session: Session, day: date, person_id: UUID) -> Paid | None:
    """One person's payout of a day."""
    row = session.execute(_paid(day).where(Account.person_id == person_id)).one_or_none()
    return Paid(*row) if row is not None else None


def _paid(day: date) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Payout.account_id,
            Account.person_id,
            Person.name,
            Payout.amount_cents,
            Payout.entry_no,
            PayoutLetter.state,
            PayoutLetter.sent_at,
            PayoutLetter.reply,
            PayoutLetter.doubts,
        )
        .join(Account, Account.id == Payout.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(
            PayoutLetter,
            (PayoutLetter.business_date == Payout.business_date)
            & (PayoutLetter.account_id == Payout.account_id),
        )
        .where(Payout.business_date == day)
    )


def _paid_of(session: Session, rows: list[BusinessDay]) -> dict[date, tuple[int, int]]:
    """How many people each day paid how much, so far where it is still being paid."""
    paid = {row.business_date: (row.payouts or 0, row.payout_cents or 0) for row in rows}
    closed = [row.business_date for row in rows if row.state == "closed"]
    if closed:
        counted = session.execute(
            select(Payout.business_date, func.count(), func.sum(Payout.amount_cents))
            .where(Payout.business_date.in_(closed))
            .group_by(Payout.business_date)
        )
        paid |= {day: (people, int(cents)) for day, people, cents in counted}
    return paid


def _letters(
    session: Session, days: list[date], which: ColumnElement[bool]
) -> dict[date, dict[str, int]]:
    """How many of these letters of each day are in which state."""
    found: dict[date, dict[str, int]] = {day: {} for day in days}
    for day, state, count in session.execute(
        select(PayoutLetter.business_date, PayoutLetter.state, func.count())
        .where(PayoutLetter.business_date.in_(days), which)
        .group_by(PayoutLetter.business_date, PayoutLetter.state)
        .order_by(PayoutLetter.business_date, PayoutLetter.state)
    ):
        found[day][state] = count
    return found


def _with_sent(unsent: dict[str, int], people: int) -> dict[str, int]:
    sent = people - sum(unsent.values())
    return unsent | ({str(LetterState.SENT): sent} if sent > 0 else {})


def _day(
    row: BusinessDay,
    held: Held,
    paid: tuple[int, int],
    letters: Mapping[str, int],
    left: Mapping[date, Left],
) -> PaidDay:
    return PaidDay(
        day=row.business_date,
        state=row.state,
        ends_at=row.ends_at,
        held=row.business_date in held.days,
        left=left.get(row.business_date),
        closed_at=row.closed_at,
        paid_at=row.paid_at,
        people=paid[0],
        cents=paid[1],
        letters=letters,
    )


def _left(session: Session, rows: list[BusinessDay]) -> dict[date, Left]:
    """Who was left when each day was paid, as the run that paid it noted: a sum over all accounts
    that no later page should have to repeat."""
    paid = [row.paid_at for row in rows if row.paid_at is not None]
    if not paid:
        return {}
    reports = session.scalars(
        select(CommandRun.report)
        .where(
            CommandRun.command == "payout",
            CommandRun.started_at.between(min(paid) - LONGEST_RUN, max(paid)),
            CommandRun.report.contains('"carried_people"'),
        )
        .order_by(CommandRun.started_at)
    )
    found = {}
    for report in reports:
        for each in json.loads(report)["days"]:
            found[date.fromisoformat(each["day"])] = left_in(each)
    return found


def left_in(day: Mapping[str, Any]) -> Left:
    """What the report of a run says of those a day did not pay."""
    # Before there were holds, a report said nothing of them.
    return Left(
        day["carried_people"],
        day["carried_cents"],
        day.get("held_people", 0),
        day.get("held_cents", 0),
    )
