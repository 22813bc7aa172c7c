"""The JSON endpoints of analytics: what the page shows, for administrators (R19, R20)."""

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

from flask import current_app
from msgspec import Meta, Struct, field
from sqlalchemy.orm import Session

from ates.analytics.queries import board, days, tops
from ates.analytics.queries.figures import DayFigures
from ates.analytics.queries.periods import Grain, Period, back, window
from ates.kernel import clock
from ates.kernel.db import reading
from ates.web.access import ADMINS, allow
from ates.web.api import (
    Api,
    CentsAmount,
    Count,
    Cursor,
    Instant,
    Listed,
    Page,
    TaskName,
    example,
)

api = Api("analytics")

DAYS = Cursor(date)
PERIODS = Cursor(date)


class Today(Struct):
    """The business day that runs: income is fees minus rewards, often negative."""

    day: date
    income_cents: CentsAmount
    people_below_zero: Annotated[
        int, Meta(ge=0, examples=[173], description="Whose balance is below zero now.")
    ]
    people_lost_today: Annotated[
        int, Meta(ge=0, examples=[61], description="Whose fees today are above the rewards.")
    ]
    as_of: Instant


class DayIncome(Struct):
    """One business day."""

    day: date
    income_cents: CentsAmount
    people_below_zero: Annotated[
        int | None, Meta(examples=[173], description="At its close; null while it is open.")
    ]
    people_lost: Count


class TopTask(Struct):
    """The most expensive task completed in a period; nothing completed is 0 and no task."""

    first: date = field(name="from")
    last: date = field(name="to")
    reward_cents: Annotated[int, Meta(ge=0, examples=[3900])]
    task: TaskName | None
    ties: Annotated[
        int,
        Meta(ge=0, examples=[3], description="Tasks with that reward, the named one included."),
    ]


class Span(Page):
    """`from` and `to`, both included; an end before the beginning is an empty list."""

    first: date | None = field(default=None, name="from")
    to: date | None = None


class Periods(Span):
    """`period`, and which days they cover; without days as many as the page shows."""

    period: Annotated[Grain, example("week")] = Grain.DAY


@api.reads("/today", Today)
@allow(ADMINS)
def today() -> Today:
    """Income today, people below zero now, people who lost money today."""
    with reading("analytics") as session:
        found = board.today(session, _zone(), at=clock.now())
    return Today(
        day=found.day,
        income_cents=found.figures.income_cents if found.figures else 0,
        people_below_zero=found.below_zero,
        people_lost_today=found.figures.lost if found.figures else 0,
        as_of=found.as_of,
    )


@api.lists("/days", DayIncome, query=Span)
@allow(ADMINS)
def business_days(query: Span) -> Listed[DayIncome]:
    """Business days that have begun, newest first."""
    place = DAYS.read(query.after)
    with reading("analytics") as session:
        _, generation = board.live(session)
        found = days.listed(
            session,
            generation,
            query.first,
            query.to,
            at=clock.now(),
            after=place[0] if place else None,
            limit=query.limit,
        )
    return DAYS.listed(found, query.limit, lambda row: (row.day,), _day)


@api.lists("/top-tasks", TopTask, query=Periods)
@allow(ADMINS)
def top_tasks(query: Periods) -> Listed[TopTask]:
    """The most expensive completed task of each period, newest first; weeks and months are whole.

    A period before the books began is left out.
    """
    place = PERIODS.read(query.after)
    with reading("analytics") as session:
        _, generation = board.live(session)
        asked = _asked(session, generation, query)
        rows = [each for each in asked if place is None or each.first < place[0]]
        oldest_first = rows[: query.limit][::-1]
        found = tops.tops_of(session, generation, oldest_first)
    shown = dict(zip(oldest_first, found, strict=True))
    return PERIODS.listed(
        rows[: query.limit + 1],
        query.limit,
        lambda period: (period.first,),
        lambda period: _top(period, shown[period]),
    )


# --- how ------------------------------------------------------------------------------------------


def _asked(session: Session, generation: int, query: Periods) -> list[Period]:
    """All periods asked for that the books reach, newest first."""
    if query.first and query.to and query.first > query.to:
        return []
    now = clock.now().astimezone(_zone()).date()
    usual = window(query.period, now, query.first, query.to)
    if query.period is Grain.RANGE:
        return [Period(usual.first, usual.last)]
    begin = days.first_day(session, generation)
    last = min(query.to or now, now)
    first = max(query.first or usual.first, begin) if begin else now
    return list(back(query.period, first, last)) if begin and first <= last else []


def _day(row: DayFigures) -> DayIncome:
    return DayIncome(row.day, row.income_cents, row.below_zero, row.lost)


def _top(period: Period, top: tops.Top | None) -> TopTask:
    if top is None:
        return TopTask(period.first, period.last, 0, None, 0)
    task = top.task
    named = TaskName(task.task_id, task.number, task.title, task.jira_id)
    return TopTask(period.first, period.last, task.reward_cents, named, top.tasks)


def _zone() -> ZoneInfo:
    return ZoneInfo(current_app.extensions["ates.config"].timezone)
