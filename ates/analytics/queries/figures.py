"""Figures of business days, and what they sum to over a week, a month or a range."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from ates.analytics.models import DaySum, PersonDay
from ates.analytics.queries.periods import Period, Window, parted


@dataclass(frozen=True)
class DayFigures:
    """One business day; sums are signed as in the ledger, fees negative."""

    day: date
    starts_at: datetime
    ends_at: datetime
    fee_cents: int
    reward_cents: int
    adjustment_cents: int
    payout_cents: int
    entries: int
    state: str
    below_zero: int | None  # at its close
    lost: int  # people whom its fees and rewards left with less than before

    @property
    def income_cents(self) -> int:
        """Fees charged minus rewards paid; entries are signed the other way round (R16)."""
        return -(self.fee_cents + self.reward_cents)

    def contains(self, moment: datetime) -> bool:
        return self.starts_at <= moment < self.ends_at


@dataclass(frozen=True)
class PeriodFigures:
    """What a period brought; `day` where it is one day the books have."""

    period: Period
    fee_cents: int
    reward_cents: int
    running: bool
    known: bool  # whether the books have any day of it
    day: DayFigures | None = None

    @property
    def income_cents(self) -> int:
        return -(self.fee_cents + self.reward_cents)


def days_between(
    session: Session, generation: int, period: Period, *, at: datetime
) -> tuple[DayFigures, ...]:
    """The begun days of a period and the newest two, oldest first; one statement."""
    begun = (DaySum.generation == generation, DaySum.starts_at <= at)
    newest = select(DaySum.business_date).where(*begun).order_by(DaySum.starts_at.desc()).limit(2)
    rows = session.execute(
        figures(generation)
        .where(
            *begun,
            or_(
                and_(
                    DaySum.business_date >= period.first,
                    DaySum.business_date <= period.last,
                ),
                DaySum.business_date.in_(newest),
            ),
        )
        .order_by(DaySum.business_date)
    )
    return tuple(DayFigures(*row) for row in rows)


def figures(generation: int) -> Select[*tuple[Any, ...]]:
    """The columns of `DayFigures`. Who lost money on an open day is counted by its index."""
    lost = (
        select(func.count())
        .where(
            PersonDay.generation == generation,
            PersonDay.business_date == DaySum.business_date,
            PersonDay.earned_cents < 0,
        )
        .correlate(DaySum)
        .scalar_subquery()
    )
    counted: ColumnElement[int] = case((DaySum.lost.is_(None), lost), else_=DaySum.lost)
    return select(
        DaySum.business_date,
        DaySum.starts_at,
        DaySum.ends_at,
        DaySum.fee_cents,
        DaySum.reward_cents,
        DaySum.adjustment_cents,
        DaySum.payout_cents,
        DaySum.entries,
        DaySum.state,
        DaySum.below_zero,
        counted,
    )


def by_period(window: Window, days: Sequence[DayFigures], today: date) -> tuple[PeriodFigures, ...]:
    """The figures of each period, oldest first; a period without a day is zero."""
    found = parted(window.periods, days, lambda each: each.day)
    return tuple(
        _sum(period, mine, today) for period, mine in zip(window.periods, found, strict=True)
    )


def _sum(period: Period, days: Sequence[DayFigures], today: date) -> PeriodFigures:
    single = days[0] if period.first == period.last and days else None
    return PeriodFigures(
        period=period,
        fee_cents=sum(each.fee_cents for each in days),
        reward_cents=sum(each.reward_cents for each in days),
        running=today in period,
        known=bool(days),
        day=single,
    )
