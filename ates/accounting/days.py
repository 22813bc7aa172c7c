"""Business days: where they begin and end, and in which one a fact counts (books.md, chapter 6)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from ates.accounting.ledger import Ledger
from ates.accounting.models import BusinessDay
from ates.accounting.writing import bulk
from ates.contracts.accounting import DayOpened
from ates.kernel.worded import Worded

AHEAD = timedelta(hours=1)  # a day has its row before it begins
ONE = timedelta(days=1)
NEWEST = Worded(
    select(BusinessDay.business_date, BusinessDay.starts_at, BusinessDay.ends_at, BusinessDay.state)
    .where(or_(BusinessDay.state == "open", BusinessDay.ends_at > bindparam("oldest")))
    .order_by(BusinessDay.starts_at)
)


@dataclass(frozen=True, slots=True)
class Borders:
    """A day of the business zone as instants: `starts_at` inclusive, `ends_at` exclusive."""

    business_date: date
    starts_at: datetime
    ends_at: datetime


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day`. A midnight that the clock skips is the instant of the jump, one
    that comes twice is the first."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def day_of(moment: datetime, zone: ZoneInfo) -> Borders:
    """The day with which books begin whose first fact is of `moment`."""
    day = moment.astimezone(zone).date()
    return Borders(day, midnight(day, zone), midnight(day + ONE, zone))


def following(last: Borders, zone: ZoneInfo, until: datetime) -> Iterable[Borders]:
    """The days after `last` up to the one that contains `until`.

    Each begins where the one before it ends, so that no later zone moves a past border. A date that
    would not be longer than zero does not exist (Apia, 2011-12-30).
    """
    while last.ends_at <= until:
        day = last.business_date + ONE
        while midnight(day + ONE, zone) <= last.ends_at:
            day += ONE
        last = Borders(day, last.ends_at, midnight(day + ONE, zone))
        yield last


@dataclass
class Calendar:
    """The newest days, without a gap, as far back as was asked for."""

    days: list[Borders]
    open: list[date]  # ascending; nothing before the first takes an entry
    since: datetime  # every day that ended later is here
    _starts: list[datetime] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [day.starts_at for day in self.days]

    @classmethod
    def read(cls, session: Session, oldest: datetime) -> Self:
        """All open days and all that end after `oldest`."""
        found = NEWEST.run(session, oldest=oldest).fetchall()
        rows = msgspec.convert(found, list[tuple[date, datetime, datetime, str]])
        return cls(
            [Borders(day, starts_at, ends_at) for day, starts_at, ends_at, _ in rows],
            [day for day, _, _, state in rows if state == "open"],
            oldest,
        )

    def missing(self, zone: ZoneInfo, now: datetime, first: datetime | None) -> list[Borders]:
        """The days that should have a row by `now`; books begin on the day of `first`."""
        if self.days:
            return list(following(self.days[-1], zone, now + AHEAD))
        if first is None:
            return []
        begin = day_of(first, zone)
        return [begin, *following(begin, zone, now + AHEAD)]

    def add(self, days: Sequence[Borders]) -> None:
        self.days += days
        self.open += [day.business_date for day in days]
        self._starts += [day.starts_at for day in days]

    def natural(self, moment: datetime) -> date:
        """The day `moment` is in: 00:00:00.000000 is the new day, before all is the first."""
        if moment >= self._starts[-1]:  # nearly all
            return self.days[-1].business_date
        return self.days[max(bisect_right(self._starts, moment) - 1, 0)].business_date

    def counts_in(self, moment: datetime) -> date:
        """The day in which a fact of `moment` counts: its own, or the first open one if late."""
        return max(self.natural(moment), self.open[0])


def ensure(
    ledger: Ledger,
    calendar: Calendar,
    zone: ZoneInfo,
    now: datetime,
    first: datetime | None = None,
) -> None:
    """Give a row to every day up to the one that contains `now` + 1 h, and say so."""
    missing = calendar.missing(zone, now, first)
    bulk(
        ledger.session,
        BusinessDay,
        [
            {
                "business_date": day.business_date,
                "starts_at": day.starts_at,
                "ends_at": day.ends_at,
                "state": "open",
            }
            for day in missing
        ],
    )
    for day in missing:
        ledger.say(
            DayOpened,
            business_date=day.business_date,
            starts_at=day.starts_at,
            ends_at=day.ends_at,
        )
    calendar.add(missing)
