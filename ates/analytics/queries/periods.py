"""Days, ISO weeks, calendar months and free ranges: which periods a page shows. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

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
    def whole(self) -> Period:
        return Period(self.first, self.last)

    @property
    def spans(self) -> tuple[Period, ...]:
        """What the most expensive task is asked of beside the whole: each period; no part of a
        range."""
        return () if self.grain is Grain.RANGE else self.periods


def window(grain: Grain, today: date, first: date | None, last: date | None) -> Window:
    """The periods from the one with `first` to the one with `last`.

    Without an end it is today, without a beginning as many as usual: 30 days, 12 weeks, 12 months.
    Weeks begin on Monday (ISO 8601); weeks and months are whole, a range is taken as it is.
    """
    until = _within(last or max(today, first or today))
    since = _within(first) if first else None
    if grain is Grain.RANGE:
        return _range(since or until - 29 * ONE, until)
    wanted = MOST if since else USUAL[grain]
    found = list(islice(back(grain, since or EARLIEST, until), wanted))
    cut = since is not None and found[-1].first > since
    return Window(grain, grain, tuple(reversed(found)), cut)


def back(grain: Grain, first: date, last: date) -> Iterator[Period]:
    """The periods from the one with `last` to the one with `first`, newest first."""
    since, until = _within(first), _within(last)
    if grain is Grain.RANGE:
        yield Period(since, until)
        return
    found = period_of(grain, until)
    yield found
    while found.first > since:
        found = period_of(grain, found.first - ONE)
        yield found


def period_of(grain: Grain, day: date) -> Period:
    """The day, the week or the month with this day in it."""
    if grain is Grain.WEEK:
        monday = day - day.weekday() * ONE
        return Period(monday, monday + 6 * ONE)
    if grain is Grain.MONTH:
        first = day.replace(day=1)
        return Period(first, (first + 31 * ONE).replace(day=1) - ONE)
    return Period(day, day)


def parted(
    periods: Sequence[Period], rows: Iterable[T], day_of: Callable[[T], date]
) -> list[list[T]]:
    """The rows of each of these periods, which stand oldest first; rows outside are left out."""
    firsts = [each.first for each in periods]
    found: list[list[T]] = [[] for _ in periods]
    for row in rows:
        place = bisect_right(firsts, day_of(row)) - 1
        if place >= 0 and day_of(row) in periods[place]:
            found[place].append(row)
    return found


def _range(first: date, last: date) -> Window:
    days = (last - first).days + 1
    step = Grain.DAY if days <= BARS else Grain.WEEK if days <= 7 * BARS else Grain.MONTH
    found = [
        Period(max(each.first, first), min(each.last, last)) for each in back(step, first, last)
    ]
    return Window(Grain.RANGE, step, tuple(reversed(found)), False)


def _within(day: date) -> date:
    return min(max(day, EARLIEST), LATEST)
