"""Figures by business day, and the state of the books behind them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, Select, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from ates.accounting.holds import ACTIVE
from ates.accounting.models import (
    Account,
    Adjustment,
    BusinessDay,
    CommandRun,
    DayState,
    DayTotal,
    Hold,
)
from ates.accounting.queries.holds import ShownState
from ates.accounting.queries.payouts import PaidDay
from ates.contracts.accounting import Kind

DAYS = 30
UNPAID_TOO_LONG = timedelta(hours=1)
HELD = "held"  # no kind of entries
DIFFERENCES = 4  # the exit code of a verification that found some


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
    held: bool = False  # its payout, by a hold of its own that is active
    sums: dict[Kind, Sum] = field(default_factory=dict)

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
    def shown(self) -> ShownState:
        """The state that people see: no row has the state *held* (books.md, chapter 6)."""
        return "held" if self.held and self.state != "paid" else self.state

    @property
    def entries(self) -> int:
        return sum(each.entries for each in self.sums.values())

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
    checked_at: datetime | None  # when the command last verified the books, if it ever did
    found_wrong: bool = False  # whether it found differences then


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
    """Days that have begun, newest first, with their sums: two statements."""
    rows = session.scalars(
        select(BusinessDay)
        .where(BusinessDay.starts_at <= at)
        .order_by(BusinessDay.starts_at.desc())
        .limit(limit)
    ).all()
    return with_sums(session, rows)


def books(session: Session) -> Books:
    """The sums over all accounts, compared with the sums over all days, in one statement."""
    balance = Account.balance_cents
    days = select(func.coalesce(func.sum(DayTotal.amount_cents), 0)).scalar_subquery()
    asked = select(func.count()).where(Adjustment.state == "requested").scalar_subquery()
    last = _last_check()
    *sums, checked_at, exit_code = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((balance > 0, balance), else_=0)), 0),
            func.coalesce(func.sum(case((balance < 0, 1), else_=0)), 0),
            func.coalesce(func.sum(case((balance < 0, balance), else_=0)), 0),
            days,
            asked,
            last.with_only_columns(CommandRun.finished_at).scalar_subquery(),
            last.with_only_columns(CommandRun.exit_code).scalar_subquery(),
        ).select_from(Account)
    ).one()
    count, owed, below, below_cents, by_days, waiting = map(int, sums)
    return Books(
        accounts=count,
        owed_cents=owed,
        below=below,
        below_cents=below_cents,
        differ_cents=owed + below_cents - by_days,
        asked=waiting,
        checked_at=checked_at,
        found_wrong=exit_code == DIFFERENCES,
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


def with_sums(session: Session, rows: Iterable[BusinessDay]) -> tuple[DayFigures, ...]:
    """Days with the sums of their kinds, and whether they are held: one statement more."""
    days = list(rows)
    dates = [row.business_date for row in days]
    sums: dict[date, dict[Kind, Sum]] = {day: {} for day in dates}
    held = set()
    for day, kind, *figures in session.execute(_sums(dates)) if dates else ():
        if kind == HELD:
            held.add(day)
        else:
            sums[day][kind] = Sum(*figures)
    return tuple(
        DayFigures(
            day=row.business_date,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            state=row.state,
            closed_at=row.closed_at,
            paid_at=row.paid_at,
            parked=row.parked,
            held=row.business_date in held,
            sums=sums[row.business_date],
        )
        for row in days
    )


def _sums(dates: Sequence[date]) -> CompoundSelect[Any]:
    return union_all(
        select(
            DayTotal.business_date,
            DayTotal.kind,
            DayTotal.amount_cents,
            DayTotal.entries,
            DayTotal.first_entry_no,
            DayTotal.last_entry_no,
        ).where(DayTotal.business_date.in_(dates)),
        _holds(dates),
    )


def _holds(dates: Sequence[date]) -> Select[*tuple[Any, ...]]:
    """The days among these with an active hold of their own, as rows beside their sums."""
    nothing = [literal(0)] * 4
    return (
        select(Hold.business_date, literal(HELD), *nothing)
        .where(ACTIVE, Hold.business_date.in_(dates))
        .distinct()
    )


def _last_check() -> Select[*tuple[Any, ...]]:
    """The last verification that ended."""
    return (
        select(CommandRun.id)
        .where(CommandRun.command == "verify", CommandRun.exit_code.is_not(None))
        .order_by(CommandRun.started_at.desc())
        .limit(1)
    )
