"""The stage of the demonstration: its days, and the scenes that every part plays on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

from ates.kernel import ids
from ates.kernel.events import Cause, caused

DAYS = 10
OPENS, CLOSES = 9, 18  # working hours
NIGHT = timedelta(minutes=10)  # after midnight, when cron starts the payout
ONE = timedelta(days=1)
WEEKEND = 5


@dataclass(frozen=True)
class Scene:
    """What somebody does at a moment; `heard` says that all that came before is heard by then."""

    at: datetime
    act: Callable[[], object]
    heard: bool = False


@dataclass(frozen=True)
class Stage:
    """The working days of the demonstration in the business zone; the last of them is today."""

    now: datetime
    zone: ZoneInfo
    days: tuple[date, ...]

    @classmethod
    def until(cls, now: datetime, zone: ZoneInfo) -> Self:
        """Today and the working days before it. Today counts, whichever day it is."""
        days = [now.astimezone(zone).date()]
        while len(days) < DAYS:
            day = days[-1] - ONE
            while day.weekday() >= WEEKEND:
                day -= ONE
            days.append(day)
        return cls(now, zone, tuple(reversed(days)))

    @property
    def last(self) -> int:
        """The number of today."""
        return len(self.days) - 1

    def at(self, day: int, hour: float) -> datetime:
        """A moment of a working day, the first of which is 0; never later than now.

        Today the working hours are pressed into what has passed of the day, so that something has
        happened today at whatever hour one looks.
        """
        midnight = datetime.combine(self.days[day], time.min, self.zone)
        plain = (midnight + timedelta(hours=hour)).astimezone(UTC)
        if day < self.last:
            return plain
        opens = (midnight + timedelta(hours=OPENS)).astimezone(UTC)
        closes = (midnight + timedelta(hours=CLOSES)).astimezone(UTC)
        passed = self.now - midnight.astimezone(UTC)
        first = max(self.now - passed * 0.9, min(opens, self.now - timedelta(hours=3)))
        share = (hour - OPENS) / (CLOSES - OPENS)
        return min(self.now, first + (min(self.now, closes) - first) * share)

    def nights(self) -> list[datetime]:
        """When cron pays: after each midnight since the first day, weekends too, up to now."""
        found, day = [], self.days[0]
        while day < self.days[-1]:
            day += ONE
            midnight = datetime.combine(day, time.min, self.zone).astimezone(UTC)
            found.append(midnight + NIGHT)
        return [night for night in found if night <= self.now]

    def day_before(self, night: datetime) -> date:
        """The day that has just ended."""
        return night.astimezone(self.zone).date() - ONE


@contextmanager
def acting(person: UUID) -> Iterator[None]:
    """Within the block events come from a request of this person, as from a page."""
    with caused(Cause(str(ids.new()), actor=str(person))):
        yield
