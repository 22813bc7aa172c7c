"""All statements of one person: the days that brought something, by month, newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.models import AccountDay, BusinessDay
from ates.accounting.queries import statement_days
from ates.accounting.queries.statement_days import Holder, StatementDay
from ates.accounting.statements import ONE, Period, Sums

PAGE = 31  # days


@dataclass(frozen=True)
class MonthList:
    """The days of a month that brought something, newest first."""

    month: Period
    sums: Sums
    days: tuple[StatementDay, ...]


@dataclass(frozen=True)
class StatementList:
    """A page of all statements of one person, newest first."""

    holder: Holder | None  # None: nothing was ever booked
    months: tuple[MonthList, ...] = ()
    newer: date | None = None
    older: date | None = None


def all_of(
    session: Session, person_id: UUID, *, after: date | None = None, before: date | None = None
) -> StatementList:
    """Days that brought something, by month, beginning below `after` or above `before`."""
    holder = statement_days.holder_of(session, person_id)
    if holder is None:
        return StatementList(None)
    rows, newer, older = _listed(session, holder, after, before)
    if not rows:
        return StatementList(holder)
    first, last = Period.month_of(rows[-1].day), Period.month_of(rows[0].day)
    beside = statement_days.sums_between(session, holder, Period(first.first, last.last))
    later = sum(sums.net_cents for day, sums in beside if day > rows[0].day)
    balance = holder.balance_cents - later - statement_days.since(session, holder, last.last + ONE)
    months: dict[Period, list[StatementDay]] = {}
    for row in rows:
        months.setdefault(Period.month_of(row.day), []).append(row.ending(balance))
        balance -= row.sums.net_cents
    by_month: dict[Period, list[Sums]] = {}
    for day, sums in beside:
        by_month.setdefault(Period.month_of(day), []).append(sums)
    return StatementList(
        holder,
        tuple(
            MonthList(month, Sums.of(by_month[month]), tuple(days))
            for month, days in months.items()
        ),
        newer,
        older,
    )


# --- how -----------------------------------------------------------------------------------------


def _listed(
    session: Session, holder: Holder, after: date | None, before: date | None
) -> tuple[Sequence[StatementDay], date | None, date | None]:
    """A page of days with entries, and the places of the pages beside it."""
    question = statement_days.question(holder).where(AccountDay.entries > 0).limit(PAGE + 1)
    day = BusinessDay.business_date
    if before is not None:
        found = session.execute(question.where(day > before).order_by(day)).all()
        rows = [statement_days.read(row) for row in reversed(found[:PAGE])]
        return rows, *_beside(rows, newer=len(found) > PAGE, older=True)
    if after is not None:
        question = question.where(day < after)
    found = session.execute(question.order_by(day.desc())).all()
    rows = [statement_days.read(row) for row in found[:PAGE]]
    return rows, *_beside(rows, newer=after is not None, older=len(found) > PAGE)


def _beside(
    rows: Sequence[StatementDay], *, newer: bool, older: bool
) -> tuple[date | None, date | None]:
    if not rows:
        return None, None
    return rows[0].day if newer else None, rows[-1].day if older else None
