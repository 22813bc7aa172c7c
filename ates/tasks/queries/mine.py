"""A person's own tasks: open, done, and the money on its way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from ates.tasks.models import Assignee, Assignment, Status, Task
from ates.tasks.queries.keyset import PAGE, Order, page
from ates.tasks.queries.rows import RECENT, TaskRow, row, tasks_with_names

ORDERS = {
    "newest": Order((Task.assigned_at, Task.number)),
    "reward": Order((Task.worth_cents, Task.number)),
    "oldest": Order((Task.number,), descending=False),
}
DONE = Order((Task.completed_at, Task.number))


@dataclass(frozen=True)
class Since:
    """What happened to a person's tasks since they last looked through them (R11)."""

    shuffles: int
    left: int
    came: int
    fees: int  # signed cents, of the priced ones


@dataclass(frozen=True)
class Mine:
    """The page "My tasks"."""

    rows: list[TaskRow]
    newer: str | None
    older: str | None
    open: int
    worth: int  # of all open ones, in cents
    unpriced: int
    in_lot: bool
    since: Since | None  # None: nothing worth a note


def mine(
    session: Session, person: UUID, *, status: str, sort: str, cursor: str | None, at: datetime
) -> Mine:
    """Own tasks: open ones with those just completed in their old places, or the done ones."""
    known = session.execute(
        select(Assignee.eligible, Assignee.seen_at).where(Assignee.id == person)
    ).first()
    seen_at = known.seen_at if known else None
    query, order = tasks_with_names(), DONE
    if status == Status.DONE:
        query = query.where(Task.completed_by == person)
    else:
        query = query.where(Task.assignee_id == person, _open_or_just_done(at))
        order = ORDERS.get(sort, ORDERS["newest"])
    found = page(session, query, order, cursor)
    count, worth, unpriced = _sums(session, person)
    return Mine(
        rows=[row(each, person, at, seen_at) for each in found.rows],
        newer=found.newer,
        older=found.older,
        open=count,
        worth=worth,
        unpriced=unpriced,
        in_lot=bool(known and known.eligible),
        since=_since(session, person, seen_at) if seen_at else None,
    )


def money_on_its_way(session: Session, person: UUID, at: datetime) -> list[TaskRow]:
    """Own tasks done lately, booked or not: what the poll asks for."""
    query = (
        tasks_with_names()
        .where(Task.completed_by == person, or_(_just_done(at), Task.reward_entry_no.is_(None)))
        .order_by(Task.completed_at.desc())
        .limit(PAGE)
    )
    return [row(each, person, at) for each in session.execute(query)]


def pending_count(session: Session, person: UUID) -> int:
    """Own done tasks whose reward is not booked; at most a hundred are counted."""
    unbooked = (
        select(Task.id)
        .where(
            Task.completed_by == person,
            Task.status == Status.DONE,
            Task.reward_entry_no.is_(None),
        )
        .limit(100)
    )
    return session.scalar(select(func.count()).select_from(unbooked.subquery())) or 0


def _open_or_just_done(at: datetime) -> ColumnElement[bool]:
    return or_(Task.status == Status.OPEN, and_(Task.status == Status.DONE, _just_done(at)))


def _just_done(at: datetime) -> ColumnElement[bool]:
    return Task.completed_at > at - RECENT


def _sums(session: Session, person: UUID) -> tuple[int, int, int]:
    found = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Task.worth_cents), 0),
            func.count().filter(Task.reward_cents.is_(None)),
        ).where(Task.assignee_id == person, Task.status == Status.OPEN)
    ).one()
    count, worth, unpriced = (int(each or 0) for each in found)
    return count, worth, unpriced


def _since(session: Session, person: UUID, seen_at: datetime) -> Since | None:
    """One statement over the assignments that brought or took something."""
    draw, came = Assignment, Assignment.assignee_id == person
    again = func.coalesce(Assignment.previous_id == Assignment.assignee_id, False)
    found = session.execute(
        select(
            func.count(draw.run.distinct()),
            func.count().filter(~came),
            func.count().filter(came, ~again),
            func.coalesce(func.sum(Task.fee_cents).filter(came), 0),
        )
        .join(Task, Task.id == draw.task_id)
        .where(or_(came, draw.previous_id == person), draw.at > seen_at)
    ).one()
    shuffles, left, got, fees = (int(each) for each in found)
    return Since(shuffles, left, got, -fees) if left or got or fees else None
