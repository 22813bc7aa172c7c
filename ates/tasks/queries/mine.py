"""A person's own tasks: open, done, and the money on its way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BindParameter, and_, bindparam, case, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from ates.kernel.asking import columns
from ates.tasks.models import Assignee, Assignment, Status, Task
from ates.tasks.queries.keyset import PAGE, Listing, Order, page
from ates.tasks.queries.rows import RECENT, TaskRow, row, tasks_with_names

# The statements of the most visited page, made once: making them takes longer than asking them.
_person: BindParameter[UUID] = bindparam("person")
_recently: BindParameter[datetime] = bindparam("recently")
_just_done = Task.completed_at > _recently
_own = tasks_with_names().where(
    Task.assignee_id == _person,
    or_(Task.status == Status.OPEN, and_(Task.status == Status.DONE, _just_done)),
)
OPEN = {
    "newest": Listing(_own, Order((Task.assigned_at, Task.number))),
    "reward": Listing(_own, Order((Task.worth_cents, Task.number))),
    "oldest": Listing(_own, Order((Task.number,), descending=False)),
}
DONE = Listing(
    tasks_with_names().where(Task.completed_by == _person), Order((Task.completed_at, Task.number))
)
_KNOWN = select(Assignee.eligible, Assignee.seen_at).where(Assignee.id == _person)
_ON_ITS_WAY = (
    tasks_with_names()
    .where(Task.completed_by == _person, or_(_just_done, Task.reward_entry_no.is_(None)))
    .order_by(Task.completed_at.desc())
    .limit(PAGE)
)
_UNBOOKED = (
    select(Task.id)
    .where(
        Task.completed_by == _person,
        Task.status == Status.DONE,
        Task.reward_entry_no.is_(None),
    )
    .limit(100)
)
_PENDING = select(func.count()).select_from(_UNBOOKED.subquery())
_SUMS = select(
    func.count(),
    func.coalesce(func.sum(Task.worth_cents), 0),
    func.count().filter(Task.reward_cents.is_(None)),
).where(Task.assignee_id == _person, Task.status == Status.OPEN)
_since_then = Assignment.at > bindparam("seen_at")
_again = func.coalesce(Assignment.previous_id == Assignment.assignee_id, False)
# Apart, since only what came has a fee to look up: each of the two is an index of its own anyway.
_moved = union_all(
    select(
        Assignment.run,
        literal(0).label("left"),
        case((_again, 0), else_=1).label("came"),
        Task.fee_cents,
    )
    .join(Task, Task.id == Assignment.task_id)
    .where(Assignment.assignee_id == _person, _since_then),
    select(Assignment.run, literal(1), literal(0), literal(0)).where(
        Assignment.previous_id == _person, Assignment.assignee_id != _person, _since_then
    ),
).subquery()
_SINCE = select(
    func.count(_moved.c.run.distinct()),
    *(func.coalesce(func.sum(each), 0) for each in (_moved.c.left, _moved.c.came)),
    func.coalesce(func.sum(_moved.c.fee_cents), 0),
)


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
    known = columns(session, _KNOWN, person=person).first()
    seen_at = known.seen_at if known else None
    if status == Status.DONE:
        found = page(session, DONE, cursor, person=person)
    else:
        listing = OPEN.get(sort, OPEN["newest"])
        found = page(session, listing, cursor, person=person, recently=at - RECENT)
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
    found = columns(session, _ON_ITS_WAY, person=person, recently=at - RECENT)
    return [row(each, person, at) for each in found]


def pending_count(session: Session, person: UUID) -> int:
    """Own done tasks whose reward is not booked; at most a hundred are counted."""
    return columns(session, _PENDING, person=person).scalar() or 0


def _sums(session: Session, person: UUID) -> tuple[int, int, int]:
    found = columns(session, _SUMS, person=person).one()
    count, worth, unpriced = (int(each or 0) for each in found)
    return count, worth, unpriced


def _since(session: Session, person: UUID, seen_at: datetime) -> Since | None:
    """One statement over the assignments that brought or took something."""
    found = columns(session, _SINCE, person=person, seen_at=seen_at).one()
    shuffles, left, got, fees = (int(each) for each in found)
    return Since(shuffles, left, got, -fees) if left or got or fees else None
