"""What the page of analytics shows, as plain rows of one snapshot."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.analytics.models import DayReward, DaySum, Person, PersonDay, Task
from ates.analytics.totals import generation_of
from ates.kernel.tables import consumer
from ates.web.watermark import Watermark, watermark

DAYS = 30


@dataclass(frozen=True)
class DayIncome:
    """One business day: what management earned by it (R16)."""

    day: date
    fee_cents: int
    reward_cents: int
    below_zero: int | None  # at its close
    state: str

    @property
    def income_cents(self) -> int:
        """Fees charged minus rewards paid; entries are signed the other way round."""
        return -(self.fee_cents + self.reward_cents)

    @property
    def running(self) -> bool:
        return self.state == "open"


@dataclass(frozen=True)
class Top:
    """The most expensive of a day's completed tasks; the first of those with the same reward."""

    reward_cents: int
    others: int
    task_id: UUID
    number: int | None  # None: nobody has told how the task is called
    title: str | None
    jira_id: str | None


@dataclass(frozen=True)
class Board:
    """Everything the page shows."""

    today: DayIncome | None  # None: no day of the books contains this moment yet
    below_zero: int
    people: int  # with an account
    lost_today: int
    top: Top | None
    days: tuple[DayIncome, ...]  # newest first, at most 30
    mark: Watermark

    @property
    def moved(self) -> bool:
        """Whether there is anything to draw."""
        return any(each.income_cents for each in self.days)

    @property
    def bars(self) -> list[tuple[date, int]]:
        """The last 30 days, oldest first; days before the books began are zero."""
        known = {each.day: each.income_cents for each in self.days}
        last = max(known, default=None)
        if last is None:
            return []
        past = (last - timedelta(days=ago) for ago in reversed(range(DAYS)))
        return [(day, known.get(day, 0)) for day in past]


def live_consumer(session: Session) -> str:
    """The consumer whose generation the pages show: `analytics`, or what was swapped in."""
    name = session.scalar(
        select(consumer.c.name)
        .where(
            consumer.c.name.in_(["analytics"]) | consumer.c.name.startswith("analytics@"),
            consumer.c.mode.in_(("live", "paused")),
        )
        .order_by(consumer.c.name.desc())
        .limit(1)
    )
    return name or "analytics"


def board(session: Session, *, at: datetime) -> Board:
    """The figures of the day that contains `at`, and of the 30 days up to it."""
    name = live_consumer(session)
    generation = generation_of(name)
    days = _days(session, generation, at)
    today = _today(session, generation, at, days)
    below, people, lost = _counts(session, generation, today)
    return Board(
        today=today,
        below_zero=below,
        people=people,
        lost_today=lost,
        top=_top(session, generation, today.day) if today else None,
        days=days,
        mark=watermark(session, name),
    )


def _days(session: Session, generation: int, at: datetime) -> tuple[DayIncome, ...]:
    """Begun days, newest first; a spare open day that has not begun is not among them."""
    rows = session.execute(
        select(
            DaySum.business_date,
            DaySum.fee_cents,
            DaySum.reward_cents,
            DaySum.below_zero,
            DaySum.state,
        )
        .where(DaySum.generation == generation, DaySum.starts_at <= at)
        .order_by(DaySum.starts_at.desc())
        .limit(DAYS)
    )
    return tuple(DayIncome(*row) for row in rows)


def _today(
    session: Session, generation: int, at: datetime, days: tuple[DayIncome, ...]
) -> DayIncome | None:
    """The day whose borders contain this moment: the zone of a viewer has no say in it (R18)."""
    found = session.scalar(
        select(DaySum.business_date)
        .where(DaySum.generation == generation, DaySum.starts_at <= at, DaySum.ends_at > at)
        .limit(1)
    )
    return next((each for each in days if each.day == found), None)


def _counts(session: Session, generation: int, today: DayIncome | None) -> tuple[int, int, int]:
    """People below zero now, people with an account, people who lost money today."""
    of = Person.generation == generation
    below = select(func.count()).where(of, Person.balance_cents < 0)
    people = select(func.count()).where(of, Person.entries > 0)
    lost = select(func.count()).where(
        PersonDay.generation == generation,
        PersonDay.business_date == (today.day if today else None),
        PersonDay.earned_cents < 0,
    )
    parts = [each.scalar_subquery() for each in (below, people, lost)]
    row = session.execute(select(*parts)).one()
    return row[0], row[1], row[2]


def _top(session: Session, generation: int, day: date) -> Top | None:
    """The highest reward of the tasks completed on the day (R20)."""
    row = session.execute(
        select(
            DayReward.reward_cents,
            DayReward.tasks,
            DayReward.first_task_id,
            Task.number,
            Task.title,
            Task.jira_id,
        )
        .outerjoin(
            Task,
            (Task.generation == DayReward.generation) & (Task.task_id == DayReward.first_task_id),
        )
        .where(DayReward.generation == generation, DayReward.completed_on == day)
        .order_by(DayReward.reward_cents.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Top(row[0], row.tasks - 1, row[2], row.number, row.title, row.jira_id)
