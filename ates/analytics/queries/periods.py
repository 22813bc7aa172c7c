"""Days, ISO weeks, calendar months and free ranges: which periods a page shows. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

ONE = timedelta(days=1)
EARLIEST, LATEST = date(2000, 1, 3), date(2999, 12, 29)  # both whole weeks away from any overflow
MOST = 120  # periods of one page
BARS = 62  # of a range before its bars become weeks, and then months


class Grain(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    RANGE = "range"


USUAL = {Grain.DAY: 30, Grain.WEEK: 12, Grain.MONTH: 12}


@dataclass(frozen=True)
class Period:
    """Both ends inclusive."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True)
class Window:
    """The periods of one page, oldest first."""

    grain: Grain  # as asked for
    step: Grain  # of the periods: a range is shown by day, week or month
    periods: tuple[Period, ...]
    cut: bool  # older ones were asked for, and there are too many

    @property
    def first(self) -> date:
        return self.periods[0].first

    @property
    def last(self) -> date:
        return self.periods[-1].last

    @property
    def spans(self) -> tuple[Period, ...]:
        """What the most expensive task is asked of: each period, or the range as a whole."""
        whole = self.grain is Grain.RANGE
        return (Period(self.first, self.last),) if whole else self.periods


def window(grain: Grain, today: date, first: date | None, last: date | None) -> Window:
    """The periods from the one with `first` to the one with `last`.

    Without an end it is today, without a beginning as many as usual: 30 days, 12 weeks, 12 months.
    Weeks begin on Monday (ISO 8601); weeks and months are whole, a range is taken as it is.
    """
    until = _within(last or max(today, first or today))
    since = _within(first) if first else None
    if grain is Grain.RANGE:
        return _range(since or until - 29 * ONE, until)
    found = [period_of(grain, until)]
    wanted = MOST if since else USUAL[grain]
    while len(found) < wanted and (since is None or found[-1].first > since):
        found.append(period_of(grain, found[-1].first - ONE))
    cut = since is not None and found[-1].first > since
    return Window(grain, grain, tuple(reversed(found)), cut)


def period_of(grain: Grain, day: date) -> Period:
    """The day, the week or the month with this day in it."""
    if grain is Grain.WEEK:
        monday = day - day.weekday() * ONE
        return Period(monday, monday + 6 * ONE)
    if grain is Grain.MONTH:
        first = day.replace(day=1)
        return Period(first, (first + 31 * ONE).replace(day=1) - ONE)
    return Period(day, day)


def _range(first: date, last: date) -> Window:
    days = (last - first).days + 1
    step = Grain.DAY if days <= BARS else Grain.WEEK if days <= 7 * BARS else Grain.MONTH
    found = [period_of(step, last)]
    while found[-1].first > first:
        found.append(period_of(step, found[-1].first - ONE))
    clipped = [Period(max(each.first, first), min(each.last, last)) for each in reversed(found)]
    return Window(Grain.RANGE, step, tuple(clipped), False)


def _within(day: date) -> date:
    return min(max(day, EARLIEST), LATEST)
