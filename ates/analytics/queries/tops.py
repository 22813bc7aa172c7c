"""The most expensive task completed in a period, and all that tie with it (R20)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from ates.analytics.models import DayReward, Person, Task
from ates.analytics.queries.periods import Period, parted

PAGE = 50


@dataclass(frozen=True)
class CompletedTask:
    """A task that was rewarded."""

    reward_cents: int
    completed_on: date
    completed_at: datetime
    task_id: UUID
    person_id: UUID
    number: int | None  # None: nobody has told how the task is called
    title: str | None
    jira_id: str | None
    person: str | None


@dataclass(frozen=True)
class Top:
    """The most expensive of a period's completed tasks: the first of those with that reward."""

    period: Period
    task: CompletedTask
    tasks: int  # with the same reward, this one among them

    @property
    def others(self) -> int:
        return self.tasks - 1


@dataclass(frozen=True)
class DayTop:
    """The highest reward of one day."""

    task: CompletedTask
    tasks: int


def day_tops(session: Session, generation: int, periods: Sequence[Period]) -> tuple[DayTop, ...]:
    """The highest reward of each day of these periods; one statement over the histogram."""
    within = or_(*(_within(DayReward.completed_on, period) for period in periods))
    best = (
        select(DayReward.completed_on, func.max(DayReward.reward_cents).label("reward_cents"))
        .where(DayReward.generation == generation, within)
        .group_by(DayReward.completed_on)
        .subquery()
    )
    rows = session.execute(
        select(
            DayReward.reward_cents,
            DayReward.completed_on,
            DayReward.first_completed_at,
            DayReward.first_task_id,
            DayReward.first_person_id,
            Task.number,
            Task.title,
            Task.jira_id,
            Person.name,
            DayReward.tasks,
        )
        .join(
            best,
            and_(
                DayReward.completed_on == best.c.completed_on,
                DayReward.reward_cents == best.c.reward_cents,
            ),
        )
        .outerjoin(
            Task, and_(Task.generation == generation, Task.task_id == DayReward.first_task_id)
        )
        .outerjoin(
            Person,
            and_(Person.generation == generation, Person.person_id == DayReward.first_person_id),
        )
        .where(DayReward.generation == generation)
    )
    found: list[Any] = list(rows)
    return tuple(DayTop(CompletedTask(*row[:-1]), row.tasks) for row in found)


def tops_among(periods: Sequence[Period], tops: Iterable[DayTop]) -> list[Top | None]:
    """The top of each of these periods, which stand oldest first."""
    found = parted(periods, tops, lambda each: each.task.completed_on)
    return [_top(period, mine) for period, mine in zip(periods, found, strict=True)]


def tops_of(session: Session, generation: int, periods: Sequence[Period]) -> list[Top | None]:
    """The top of each of these adjoining periods, oldest first; one statement."""
    if not periods:
        return []
    whole = Period(periods[0].first, periods[-1].last)
    return tops_among(periods, day_tops(session, generation, [whole]))


def _top(period: Period, mine: Sequence[DayTop]) -> Top | None:
    """From the tops of its days: a day with the period's highest reward has it as its own."""
    if not mine:
        return None
    highest = max(each.task.reward_cents for each in mine)
    tied = [each for each in mine if each.task.reward_cents == highest]
    first = min(tied, key=lambda each: (each.task.completed_at, each.task.task_id))
    return Top(period, first.task, sum(each.tasks for each in tied))


def highest(session: Session, generation: int, period: Period) -> int | None:
    """The highest reward of a period in cents; None when nothing was completed."""
    return session.scalar(
        select(func.max(DayReward.reward_cents)).where(
            DayReward.generation == generation, _within(DayReward.completed_on, period)
        )
    )


def tasks_at(
    session: Session,
    generation: int,
    period: Period,
    reward_cents: int,
    *,
    after: tuple[Any, ...] | None = None,
) -> list[CompletedTask]:
    """Tasks of a period with this reward, first completed first: a page and one more.

    `after` is where the page begins: day, moment and id of the last task before it.
    """
    query = (
        select(
            Task.reward_cents,
            Task.completed_on,
            Task.completed_at,
            Task.task_id,
            Task.person_id,
            Task.number,
            Task.title,
            Task.jira_id,
            Person.name,
        )
        .outerjoin(
            Person, and_(Person.generation == generation, Person.person_id == Task.person_id)
        )
        .where(
            Task.generation == generation,
            Task.reward_cents == reward_cents,
            _within(Task.completed_on, period),
        )
    )
    columns = (Task.completed_on, Task.completed_at, Task.task_id)
    if after is not None:
        place = (literal(value, each.type) for value, each in zip(after, columns, strict=True))
        query = query.where(tuple_(*columns) > tuple_(*place))
    rows = session.execute(query.order_by(*columns).limit(PAGE + 1))
    return [CompletedTask(*row) for row in rows]


def _within(column: Any, period: Period) -> ColumnElement[bool]:
    return and_(column >= period.first, column <= period.last)
