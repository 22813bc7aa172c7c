"""What administrators and readers see, against plain sums (P18, P20)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting.ledger import Ledger
from ates.accounting.models import Account, DayTotal
from ates.accounting.queries.days import last_days
from ates.analytics.models import DaySum
from ates.analytics.queries.board import Asked, Board, board
from ates.analytics.queries.periods import Grain
from ates.kernel import generations
from ates.kernel.delivery import Drain
from ates.kernel.tables import parked
from tests.accounting.machine import plain
from tests.accounting.machine.rows import Rows, read
from tests.kernel.faults import replaced

if TYPE_CHECKING:
    from tests.accounting.machine.world import World


def broken(world: "World") -> list[str]:
    """P20: every figure of analytics and of the overview is the plain sum of the entries."""
    with world.running():
        Drain(world.database, world.app.extensions["ates.inboxes"]["analytics"]).run()
        rows = read(world.database)
        with world.database.reading() as session:
            if stands_still(session):
                return []  # and the page says so, with the moment up to which all is counted
            return [*_days(rows, session), *_figures(world, rows, session)]


def stands_still(session: Session) -> bool:
    """Whether a person has to look after analytics before it goes on."""
    name = generations.live(session, "analytics")
    waits = (parked.c.consumer == name, parked.c.status.in_(("dead", "retry")))
    return bool(session.scalar(select(func.count()).select_from(parked).where(*waits)))


def _days(rows: Rows, session: Session) -> Iterator[str]:
    """The days are where accounting has them."""
    rows_of_it = session.execute(select(DaySum.business_date, DaySum.state))
    said = {row.business_date: row.state for row in rows_of_it}
    due = {day.business_date: day.state for day in rows.days}
    if said != due:
        yield f"P20 days are {said}, not {due}"


def _figures(world: "World", rows: Rows, session: Session) -> Iterator[str]:
    begun = [day for day in rows.days if day.starts_at <= world.now]
    if not begun:
        return
    last = begun[-1].business_date
    for figure in last_days(session, at=world.now, limit=100):
        due = plain.income(rows.entries, figure.day, figure.day)
        if figure.income_cents != due:
            yield f"P20 the overview says {figure.day} brought {figure.income_cents}, not {due}"
    for grain in (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.RANGE):
        asked = Asked(grain, begun[0].business_date, last)
        shown = board(session, asked, world.books.zone, at=world.now)
        yield from _periods(rows, shown, grain, last)
        yield from _now(rows, shown, begun[-1])


def _periods(rows: Rows, shown: Board, grain: Grain, last: date) -> Iterator[str]:
    """A day that has not begun is not counted: another clock may be minutes ahead."""
    for each in shown.periods:
        first, end = each.period.first, each.period.last
        if grain is Grain.WEEK and (first.isoweekday(), end - first) != (1, timedelta(days=6)):
            yield f"P20 the week of {first} does not begin on Monday"
        due = plain.income(rows.entries, first, min(end, last))
        if each.income_cents != due:
            yield f"P20 {grain} {first} brought {each.income_cents}, not {due}"
    for period, _, top in shown.tops:
        said = (top.task.reward_cents, top.task.task_id, top.tasks) if top else None
        wanted = plain.top(rows.entries, period.first, period.last)
        if said != wanted:
            yield f"P20 the top of {grain} {period.first} is {said}, not {wanted}"


def _now(rows: Rows, shown: Board, day: Any) -> Iterator[str]:
    owed: dict[Any, int] = {}
    for entry in rows.entries:
        owed[entry.person_id] = owed.get(entry.person_id, 0) + entry.amount_cents
    below = len([cents for cents in owed.values() if cents < 0])
    if (shown.below_zero, shown.people) != (below, len(owed)):
        yield f"P20 {shown.below_zero} of {shown.people} are below zero, {below} of {len(owed)} are"
    if shown.today is not None:
        lost = _lost(rows, day.business_date)
        if shown.today.day == day.business_date and shown.today.lost != lost:
            yield f"P20 {shown.today.lost} lost money today, {lost} did"


def _lost(rows: Rows, day: date) -> int:
    earned: dict[Any, int] = {}
    for entry in rows.entries:
        if entry.business_date == day and entry.kind in ("fee", "reward"):
            earned[entry.person_id] = earned.get(entry.person_id, 0) + entry.amount_cents
    return len([cents for cents in earned.values() if cents < 0])


@contextmanager
def watching(world: "World") -> Iterator[None]:
    """P18: while a batch is being written, another reader finds accounts and days in agreement."""
    save = Ledger.save

    def saving(self: Ledger, *cause: Any) -> None:
        save(self, *cause)
        with world.database.reading() as session:
            accounts = session.scalar(select(func.coalesce(func.sum(Account.balance_cents), 0)))
            days = session.scalar(select(func.coalesce(func.sum(DayTotal.amount_cents), 0)))
        if accounts != days:
            world.faults.append(f"P18 a reader saw accounts of {accounts} and days of {days}")

    with replaced(Ledger, "save", saving):
        yield
