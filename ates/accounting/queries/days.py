"""Figures by business day, and the state of the books behind them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, case, func, select, union_all
from sqlalchemy.orm import Session

from ates.accounting.models import (
    Account,
    AccountDay,
    Adjustment,
    BusinessDay,
    CommandRun,
    DayState,
    DayTotal,
    Person,
)
from ates.accounting.queries.accounts import Brought
from ates.accounting.queries.holds import ShownState, held_days
from ates.accounting.queries.payouts import PaidDay
from ates.contracts.accounting import Kind
from ates.kernel.errors import N_, NotFound
from ates.kernel.lag import unhandled_before

DAYS = 30
UNPAID_TOO_LONG = timedelta(hours=1)


@dataclass(frozen=True)
class Sum:
    """The entries of one kind on one day."""

    amount_cents: int = 0
    entries: int = 0
    first_entry_no: int = 0  # the range that contains them all
    last_entry_no: int = 0


@dataclass(frozen=True)
class DayFigures:
    """One business day: every sum leads to its entries (R18)."""

    day: date
    starts_at: datetime
    ends_at: datetime
    state: DayState
    closed_at: datetime | None
    paid_at: datetime | None
    parked: int | None
    held: bool = False  # its payout waits until a hold is released
    sums: dict[Kind, Sum] = field(default_factory=dict)

    @property
    def shown(self) -> ShownState:
        """The state for people and programs: a day with an active hold is held."""
        return "held" if self.held else self.state

    @property
    def fee(self) -> Sum:
        return self.sums.get("fee", Sum())

    @property
    def reward(self) -> Sum:
        return self.sums.get("reward", Sum())

    @property
    def adjustment(self) -> Sum:
        return self.sums.get("adjustment", Sum())

    @property
    def payout(self) -> Sum:
        return self.sums.get("payout", Sum())

    @property
    def numbers(self) -> tuple[int, int]:
        """The first and last number that an ordinary entry of the day can have."""
        some = [each for each in (self.fee, self.reward) if each.entries]
        first = min((each.first_entry_no for each in some), default=0)
        return first, max((each.last_entry_no for each in some), default=0)

    @property
    def income_cents(self) -> int:
        """Fees − rewards, without payouts and corrections (R16); negative is normal."""
        return -(self.fee.amount_cents + self.reward.amount_cents)

    @property
    def running(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True)
class Books:
    """All accounts now, and whether they agree with the days."""

    accounts: int
    owed_cents: int  # of all balances above zero
    below: int
    below_cents: int
    differ_cents: int  # balances minus days: zero, or the books are wrong
    asked: int  # corrections that wait for somebody's approval
    found_wrong_at: datetime | None  # when the last verification found differences, if it did


@dataclass(frozen=True)
class DayDetail:
    """What the page of one day shows beside its sums."""

    figures: DayFigures
    ended: bool
    waiting: int  # events of the day on their way
    aside: int  # events of the day set aside
    people_cents: int  # the day's entries, summed over people
    earned_most: tuple[Brought, ...]
    lost_most: tuple[Brought, ...]

    @property
    def differ_cents(self) -> int:
        return self.people_cents - sum(each.amount_cents for each in self.figures.sums.values())


def day_at(session: Session, at: datetime) -> date | None:
    """The business day that contains a moment; None before the books reach it."""
    return session.scalar(
        select(BusinessDay.business_date)
        .where(BusinessDay.starts_at <= at, BusinessDay.ends_at > at)
        .limit(1)
    )


def state_of(session: Session, day: date) -> DayState | None:
    """The state of a day as the books have it; None for one they do not have."""
    return session.scalar(select(BusinessDay.state).where(BusinessDay.business_date == day))


def last_days(session: Session, *, at: datetime, limit: int = DAYS) -> tuple[DayFigures, ...]:
    """Days that have begun, newest first, with their sums: three statements."""
    rows = session.scalars(
        select(BusinessDay)
        .where(BusinessDay.starts_at <= at)
        .order_by(BusinessDay.starts_at.desc())
        .limit(limit)
    ).all()
    return with_sums(session, rows)


def one_day(session: Session, day: date, *, at: datetime) -> DayDetail:
    """Everything about one day. Raises NotFound for a day the books do not have."""
    found = session.execute(
        select(BusinessDay, _over_people(day)).where(BusinessDay.business_date == day)
    ).one_or_none()
    if found is None or found[0].starts_at > at:
        raise NotFound(N_("The books have no such day."))
    row, people_cents = found
    (figures,) = with_sums(session, [row])
    ended = row.ends_at <= at
    closable = ended and row.state == "open"
    lag = unhandled_before(session, "accounting", row.ends_at) if closable else None
    extremes = _extremes(session, day)
    return DayDetail(
        figures=figures,
        ended=ended,
        waiting=lag.waiting if lag else 0,
        aside=lag.parked if lag else row.parked or 0,
        people_cents=int(people_cents),
        earned_most=tuple(each for each in extremes if each.cents > 0),
        lost_most=tuple(each for each in reversed(extremes) if each.cents < 0),
    )


def books(session: Session) -> Books:
    """The sums over all accounts, compared with the sums over all days, in one statement."""
    balance = Account.balance_cents
    days = select(func.coalesce(func.sum(DayTotal.amount_cents), 0)).scalar_subquery()
    asked = select(func.count()).where(Adjustment.state == "requested").scalar_subquery()
    row = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((balance > 0, balance), else_=0)), 0),
            func.coalesce(func.sum(case((balance < 0, 1), else_=0)), 0),
            func.coalesce(func.sum(case((balance < 0, balance), else_=0)), 0),
            days,
            asked,
        ).select_from(Account)
    ).one()
    count, owed, below, below_cents, by_days, waiting = map(int, row)
    return Books(
        accounts=count,
        owed_cents=owed,
        below=below,
        below_cents=below_cents,
        differ_cents=owed + below_cents - by_days,
        asked=waiting,
        found_wrong_at=_found_wrong(session),
    )


def bars(days: Iterable[DayFigures]) -> list[tuple[date, int]]:
    """Income of the last 30 days, oldest first; days before the books began are zero."""
    known = {each.day: each.income_cents for each in days}
    last = max(known, default=None)
    if last is None:
        return []
    past = (last - timedelta(days=ago) for ago in reversed(range(DAYS)))
    return [(day, known.get(day, 0)) for day in past]


def unpaid(days: Iterable[DayFigures | PaidDay], *, at: datetime) -> tuple[date, ...]:
    """Days that have been closed for more than an hour and are not paid, oldest first."""
    late = [
        each.day
        for each in days
        if each.state == "closed" and each.closed_at and at - each.closed_at > UNPAID_TOO_LONG
    ]
    return tuple(sorted(late))


# --- how -----------------------------------------------------------------------------------------


def with_sums(session: Session, rows: Sequence[BusinessDay]) -> tuple[DayFigures, ...]:
    """Days with the sums of their kinds, and whether they are held: two statements more."""
    held = held_days(session, [row.business_date for row in rows])
    figures = [
        DayFigures(
            day=row.business_date,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            state=row.state,
            closed_at=row.closed_at,
            paid_at=row.paid_at,
            parked=row.parked,
            held=row.business_date in held,
        )
        for row in rows
    ]
    by_day = {each.day: each for each in figures}
    if by_day:
        found = session.execute(
            select(
                DayTotal.business_date,
                DayTotal.kind,
                DayTotal.amount_cents,
                DayTotal.entries,
                DayTotal.first_entry_no,
                DayTotal.last_entry_no,
            ).where(DayTotal.business_date.in_(list(by_day)))
        )
        for day, kind, *sums in found:
            by_day[day].sums[kind] = Sum(*sums)
    return tuple(figures)


def _over_people(day: date) -> ScalarSelect[Any]:
    each = (
        AccountDay.fee_cents
        + AccountDay.reward_cents
        + AccountDay.adjustment_cents
        + AccountDay.payout_cents
    )
    query = select(func.coalesce(func.sum(each), 0)).where(AccountDay.business_date == day)
    return query.scalar_subquery()


def _extremes(session: Session, day: date) -> list[Brought]:
    """The ten who earned most and the ten who lost most by fees and rewards, best first."""
    earned = AccountDay.fee_cents + AccountDay.reward_cents
    query = (
        select(AccountDay.account_id, earned.label("cents"))
        .where(AccountDay.business_date == day)
        .limit(10)
    )
    best = query.where(earned > 0).order_by(earned.desc(), AccountDay.account_id).subquery()
    worst = query.where(earned < 0).order_by(earned, AccountDay.account_id).subquery()
    twenty = union_all(select(best), select(worst)).subquery()  # before anybody's name is read
    rows = session.execute(
        select(Account.person_id, Person.name, twenty.c.cents)
        .join(twenty, twenty.c.account_id == Account.id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .order_by(twenty.c.cents.desc(), Account.id)
    )
    return [Brought(*row) for row in rows]


def _found_wrong(session: Session) -> datetime | None:
    """When the last finished verification found differences; None if it found none."""
    row = session.execute(
        select(CommandRun.finished_at, CommandRun.exit_code)
        .where(CommandRun.command == "verify", CommandRun.exit_code.is_not(None))
        .order_by(CommandRun.started_at.desc())
        .limit(1)
    ).one_or_none()
    return row.finished_at if row is not None and row.exit_code == 4 else None
