"""The page of analytics: today, its comparison with yesterday, and the periods asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from ates.analytics.models import MinuteSum, MomentSum, Person
from ates.analytics.queries.figures import DayFigures, PeriodFigures, by_period, days_between
from ates.analytics.queries.periods import Grain, Period, Window, window
from ates.analytics.queries.tops import DayTop, Top, day_tops, tops_among
from ates.kernel import generations
from ates.web.watermark import Watermark, watermark

ME = "analytics"
BOOKS = "accounting"  # who says the facts; where it is a service of its own it has no row here


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    grain: Grain = Grain.DAY
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class Comparison:
    """Today beside yesterday by the same local time of its business day."""

    day: date  # yesterday
    cents: int  # what it had brought by then
    until: datetime  # up to this moment today is counted
    difference_cents: int

    @property
    def percent(self) -> int | None:
        """How much more or less than yesterday; None where that says nothing."""
        if self.difference_cents == 0:
            return 0
        share = round(100 * self.difference_cents / abs(self.cents)) if self.cents else 0
        return share or None


@dataclass(frozen=True)
class Board:
    """Everything the page shows."""

    today: DayFigures | None  # None: no day of the books contains this moment yet
    against: Comparison | None  # None: no yesterday, or figures too far behind to compare
    below_zero: int
    people: int  # with an account
    top: Top | None  # of today
    window: Window
    periods: tuple[PeriodFigures, ...]  # oldest first
    # Of the whole, then newest first those the books reach; and whether each still runs.
    tops: tuple[tuple[Period, bool, Top | None], ...]
    begun: bool  # whether the books have any day at all
    mark: Watermark

    @property
    def moved(self) -> bool:
        """Whether there is anything to draw."""
        return any(each.income_cents for each in self.periods)


def live(session: Session) -> tuple[str, int]:
    """The consumer whose generation is shown, and the number of that generation."""
    name = generations.live(session, ME)
    return name, generations.number_of(name)


def mark_of(session: Session, name: str) -> Watermark:
    """Up to when the figures of the consumer `name` are complete: its facts come by the books."""
    return watermark(session, name, BOOKS)


@dataclass(frozen=True)
class Today:
    """The figures of the day that runs, alone."""

    day: date
    figures: DayFigures | None  # None: nothing is booked for it yet
    below_zero: int
    as_of: datetime


def today(session: Session, zone: ZoneInfo, *, at: datetime) -> Today:
    """The figures of the day that contains `at`, for programs."""
    name, generation = live(session)
    mark = mark_of(session, name)
    calendar = at.astimezone(zone).date()
    days = days_between(session, generation, Period(calendar, calendar), at=at)
    found = next((each for each in days if each.contains(at)), None)
    below, _, _ = _counts(session, generation, None, at)
    return Today(found.day if found else calendar, found, below, min(mark.as_of, at))


def board(session: Session, asked: Asked, zone: ZoneInfo, *, at: datetime) -> Board:
    """The figures of the day that contains `at`, and of the periods asked for."""
    name, generation = live(session)
    mark = mark_of(session, name)
    calendar = at.astimezone(zone).date()
    shown = window(asked.grain, calendar, asked.first, asked.last)
    days = days_between(session, generation, Period(shown.first, shown.last), at=at)
    today = next((each for each in days if each.contains(at)), None)
    yesterday = next((each for each in days if today and each.ends_at == today.starts_at), None)
    until = min(mark.as_of, at)
    cut = _same_time(yesterday, until, zone) if yesterday else at
    below, people, had = _counts(session, generation, yesterday, cut)
    running = today.day if today else calendar
    single = Period(running, running)
    tops = day_tops(session, generation, (shown.whole, single))
    periods = by_period(shown, days, running)
    return Board(
        today=today,
        against=_against(today, yesterday, had, until, mark),
        below_zero=below,
        people=people,
        top=tops_among([single], tops)[0],
        window=shown,
        periods=periods,
        tops=_newest_first(shown, periods, tops),
        begun=bool(days),
        mark=mark,
    )


def _newest_first(
    shown: Window, periods: Sequence[PeriodFigures], days: Sequence[DayTop]
) -> tuple[tuple[Period, bool, Top | None], ...]:
    """The whole and its spans with their tops, as far as the books reach."""
    (whole,) = tops_among([shown.whole], days)
    together = (shown.whole, any(each.running for each in periods), whole)
    known = [each for each in periods if each.known] if shown.spans else []
    if len(known) == 1 and known[0].period == shown.whole:
        return (together,)
    tops = tops_among([each.period for each in known], days)
    rows = [(each.period, each.running, top) for each, top in zip(known, tops, strict=True)]
    return (together, *reversed(rows))


def _same_time(day: DayFigures, moment: datetime, zone: ZoneInfo) -> datetime:
    """The moment of `day` at which its clocks showed what they show at `moment`.

    A time that the clock skipped or showed twice is taken as Python does: the first of two.
    """
    local = moment.astimezone(zone)
    then = local.replace(
        year=day.day.year, month=day.day.month, day=day.day.day, fold=0
    ).astimezone(moment.tzinfo)
    return min(max(then, day.starts_at), day.ends_at)


def _counts(
    session: Session, generation: int, yesterday: DayFigures | None, cut: datetime
) -> tuple[int, int, int]:
    """People below zero now, people with an account, and yesterday's sum up to `cut`."""
    of = Person.generation == generation
    day = yesterday.day if yesterday else None
    minute = cut.replace(second=0, microsecond=0)
    before = select(func.coalesce(func.sum(MinuteSum.earned_cents), 0)).where(
        MinuteSum.generation == generation,
        MinuteSum.business_date == day,
        MinuteSum.began_at < minute,
    )
    within = select(func.coalesce(func.sum(MomentSum.earned_cents), 0)).where(
        MomentSum.generation == generation,
        MomentSum.business_date == day,
        MomentSum.occurred_at >= minute,
        MomentSum.occurred_at <= cut,
    )
    had = before.scalar_subquery() + within.scalar_subquery() if yesterday else literal(0)
    row = session.execute(
        select(
            select(func.count()).where(of, Person.balance_cents < 0).scalar_subquery(),
            select(func.count()).where(of, Person.entries > 0).scalar_subquery(),
            had,
        )
    ).one()
    return row[0], row[1], int(row[2])


def _against(
    today: DayFigures | None,
    yesterday: DayFigures | None,
    had: int,
    until: datetime,
    mark: Watermark,
) -> Comparison | None:
    """Like with like: nothing is compared with figures that stand still (pages.md, chapter 5)."""
    if today is None or yesterday is None or mark.loudness == "red" or until < today.starts_at:
        return None
    return Comparison(yesterday.day, -had, until, today.income_cents + had)
