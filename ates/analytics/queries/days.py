"""One business day as analytics sees it, and days for programs."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.analytics.models import DaySum
from ates.analytics.queries.figures import DayFigures, figures
from ates.analytics.queries.periods import Period
from ates.analytics.queries.tops import Top, tops_of
from ates.kernel.errors import N_, NotFound


@dataclass(frozen=True)
class DayPage:
    """One day, its most expensive task, and the days beside it."""

    figures: DayFigures
    top: Top | None
    running: bool
    before: date | None
    after: date | None


def one_day(session: Session, generation: int, day: date, *, at: datetime) -> DayPage:
    """Everything about one day. Raises NotFound for a day the books do not have."""
    found = figures_of(session, generation, day, at=at)
    earlier = select(DaySum.business_date).where(
        DaySum.generation == generation, DaySum.business_date < day
    )
    later = select(DaySum.business_date).where(
        DaySum.generation == generation, DaySum.business_date > day, DaySum.starts_at <= at
    )
    row = session.execute(
        select(
            earlier.order_by(DaySum.business_date.desc()).limit(1).scalar_subquery(),
            later.order_by(DaySum.business_date).limit(1).scalar_subquery(),
        )
    ).one()
    period = Period(day, day)
    (top,) = tops_of(session, generation, [period])
    return DayPage(found, top, found.contains(at), row[0], row[1])


def figures_of(session: Session, generation: int, day: date, *, at: datetime) -> DayFigures:
    """The figures of a day that has begun. Raises NotFound."""
    row = session.execute(
        figures(generation).where(
            DaySum.generation == generation, DaySum.business_date == day, DaySum.starts_at <= at
        )
    ).one_or_none()
    if row is None:
        raise NotFound(N_("The books have no such day."))
    return DayFigures(*row)


def first_day(session: Session, generation: int) -> date | None:
    """The day with which the books begin; None while there is none."""
    return session.scalar(
        select(func.min(DaySum.business_date)).where(DaySum.generation == generation)
    )


def listed(
    session: Session,
    generation: int,
    first: date | None,
    last: date | None,
    *,
    at: datetime,
    after: date | None = None,
    limit: int,
) -> list[DayFigures]:
    """Begun days, newest first, older than `after`: a page and one more."""
    query = figures(generation).where(DaySum.generation == generation, DaySum.starts_at <= at)
    if first is not None:
        query = query.where(DaySum.business_date >= first)
    if last is not None:
        query = query.where(DaySum.business_date <= last)
    if after is not None:
        query = query.where(DaySum.business_date < after)
    rows = session.execute(query.order_by(DaySum.business_date.desc()).limit(limit + 1))
    return [DayFigures(*row) for row in rows]
