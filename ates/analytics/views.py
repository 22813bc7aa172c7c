"""The pages of analytics: today, periods, and what each figure is made of."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from ates.analytics.forms import PeopleFilter, PeriodFilter, TaskFilter
from ates.analytics.queries import board, days, people, tops
from ates.analytics.queries.figures import DayFigures
from ates.analytics.queries.people import PersonCents
from ates.analytics.queries.periods import Grain, Period, period_of, window
from ates.kernel import clock
from ates.kernel.db import reading
from ates.kernel.errors import N_, BadRequest, NotFound
from ates.web.access import ADMINS, allow
from ates.web.api.cursors import Cursor
from ates.web.formats import days_text, month_text
from ates.web.watermark import Watermark

pages = Blueprint("analytics", __name__, url_prefix="/analytics", template_folder="templates")

T = TypeVar("T")
ONE = timedelta(days=1)
PERSON = Cursor(int, UUID)
TASK = Cursor(date, datetime, UUID)


@pages.get("/")
@allow(ADMINS)
def overview() -> ResponseReturnValue:
    """Income today against yesterday, people below zero, the most expensive tasks (R19, R20)."""
    form, now = PeriodFilter.asked(), clock.now()
    with reading("analytics") as session:
        shown = board.board(session, form.wanted(), _zone(), at=now)
    step = shown.window.step
    return _page(
        "overview",
        board=shown,
        form=form,
        chart=[(_short(step, each.period), each.income_cents) for each in shown.periods],
        tabs=[(each, form.with_period(each), each is form.grain) for each in Grain],
        **_beside(shown),
    )


@pages.get("/days/<day>")
@allow(ADMINS)
def day(day: str) -> ResponseReturnValue:
    """One business day: every figure of it, and where each leads."""
    with reading("analytics") as session:
        name, generation = board.live(session)
        found = days.one_day(session, generation, _date(day), at=clock.now())
        mark = board.mark_of(session, name)
    return _page("day", found=found, figures=found.figures, mark=mark)


@pages.get("/below-zero")
@allow(ADMINS)
def below() -> ResponseReturnValue:
    """People below zero now, the deepest first (R19)."""
    place = _place(PERSON, PeopleFilter.asked().after)
    with reading("analytics") as session:
        name, generation = board.live(session)
        found = people.below_now(session, generation, place)
        mark = board.mark_of(session, name)
    return _people("below", found, mark)


@pages.get("/days/<day>/below-zero")
@allow(ADMINS)
def below_at_close(day: str) -> ResponseReturnValue:
    """People who were below zero when the day was closed."""
    place = _place(PERSON, PeopleFilter.asked().after)
    with reading("analytics") as session:
        name, generation = board.live(session)
        figures = days.figures_of(session, generation, _date(day), at=clock.now())
        found = people.below_at_close(session, generation, figures.day, place)
        mark = board.mark_of(session, name)
    return _people("below", found, mark, figures)


@pages.get("/days/<day>/lost")
@allow(ADMINS)
def lost(day: str) -> ResponseReturnValue:
    """People whom the day's fees and rewards left with less than before."""
    place = _place(PERSON, PeopleFilter.asked().after)
    with reading("analytics") as session:
        name, generation = board.live(session)
        figures = days.figures_of(session, generation, _date(day), at=clock.now())
        found = people.lost_on(session, generation, figures.day, place)
        mark = board.mark_of(session, name)
    return _people("lost", found, mark, figures)


@pages.get("/tasks/")
@allow(ADMINS)
def tasks() -> ResponseReturnValue:
    """The tasks of a period at one reward, without one at the highest: what ties (R20)."""
    form = TaskFilter.asked()
    asked = window(Grain.RANGE, clock.now().astimezone(_zone()).date(), form.since, form.to)
    period = Period(asked.first, asked.last)
    place = _place(TASK, form.after)
    with reading("analytics") as session:
        name, generation = board.live(session)
        cents = form.reward or tops.highest(session, generation, period) or 0
        found = tops.tasks_at(session, generation, period, cents, after=place)
        mark = board.mark_of(session, name)
    rows, after = _cut(found, tops.PAGE, _task_place)
    return _page("tasks", form=form, period=period, cents=cents, rows=rows, after=after, mark=mark)


# --- how ------------------------------------------------------------------------------------------


def period_text(grain: Grain, period: Period) -> str:
    """`22 Nov 2026`, `16–22 Nov 2026`, `November 2026`; a part of a month by its days."""
    if grain is Grain.MONTH and period == period_of(grain, period.first):
        return month_text(period.first)
    return days_text(period.first, period.last)


def plain(cents: int) -> str:
    """An amount for an address: `39`, `39.50`."""
    return f"{cents / 100:.2f}".removesuffix(".00")


def _short(grain: Grain, period: Period) -> str:
    """For the axis of the chart."""
    if grain is Grain.MONTH:
        return month_text(period.first, year=False)
    return days_text(period.first, period.last, year=False)


def _page(name: str, **values: Any) -> str:
    helpers = {"period_text": period_text, "plain": plain, "zone": _zone().key}
    return render_template(f"analytics/{name}.html", **helpers, **values)


def _people(
    name: str, found: Sequence[PersonCents], mark: Watermark, figures: DayFigures | None = None
) -> str:
    rows, after = _cut(found, people.PAGE, lambda row: PERSON.write(row.cents, row.person_id))
    return _page(name, rows=rows, after=after, figures=figures, mark=mark)


def _cut(
    found: Sequence[T], page: int, place: Callable[[T], str]
) -> tuple[Sequence[T], str | None]:
    """The rows of a page of which one more was read, and where the next page begins."""
    return found[:page], place(found[page - 1]) if len(found) > page else None


def _task_place(row: tops.CompletedTask) -> str:
    return TASK.write(row.completed_on, row.completed_at, row.task_id)


def _place(cursor: Cursor, text: str) -> Any:
    """Where a page begins; a cursor that cannot be read is the first page."""
    try:
        return cursor.read(text or None)
    except BadRequest:
        return None


def _beside(shown: board.Board) -> dict[str, Any]:
    """The ends of the windows before and after this one; a range stands alone."""
    if shown.window.grain is Grain.RANGE:
        return {"older": None, "newer": None}
    first, last = shown.window.first, shown.window.last
    newest = not shown.periods or shown.periods[-1].running
    return {
        "older": first - ONE if shown.periods[0].known else None,
        "newer": None if newest else last + (last - first) + ONE,
    }


def _zone() -> ZoneInfo:
    return ZoneInfo(current_app.extensions["ates.config"].timezone)


def _date(text: str) -> date:
    """A day in an address. Raises NotFound for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NotFound(N_("The books have no such day.")) from None
