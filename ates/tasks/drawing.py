"""Giving tasks to people who are in the lot: for one task, for a run, and after somebody left."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Column, ColumnElement, Table, Text, cast, select, text, update
from sqlalchemy.orm import Session

from ates.contracts.tasks import TaskAssigned
from ates.kernel import db, ids, many
from ates.kernel.bus import publish_all
from ates.kernel.envelope import Meta
from ates.kernel.errors import N_, Conflict
from ates.kernel.events import caused_by, happened, made
from ates.tasks import lottery
from ates.tasks.models import Assignee, Assignment, Reason, Status, Task

NOBODY = N_("There is nobody to give the task to.")

AT_ONCE = 5_000  # tasks per statement

TASK: Table = Task.__table__  # type: ignore[assignment]
ASSIGNEE: Table = Assignee.__table__  # type: ignore[assignment]
ASSIGNMENT: Table = Assignment.__table__  # type: ignore[assignment]


class OpenTask(msgspec.Struct, frozen=True, gc=False):
    """A locked open task, as much of it as a draw needs."""

    id: UUID
    assignee_id: UUID
    assignment: int
    said: int
    fee_cents: int | None


def draw_one(session: Session) -> UUID:
    """One person of the lot, held until the commit. Raises Conflict with nobody in it (R6).

    The row is locked and looked at again: somebody deactivated between the reading and our commit
    would keep a task that no redraw has seen.
    """
    while people := _lot(session):
        person = ids.draw(people)
        held = select(Assignee.id).where(Assignee.id == person, Assignee.eligible)
        if session.scalar(held.with_for_update(read=True)) is not None:
            return person
    raise Conflict(NOBODY)


def hold_lot(session: Session) -> list[UUID]:
    """Everybody in the lot (R6), held until the commit; taken before any task is locked.

    The whole table is held against writers: a lock on each of 10,000 people, chunk after chunk,
    costs PostgreSQL a third of a shuffle.
    """
    if not db.is_sqlite(session):
        session.execute(text(f"LOCK TABLE {Assignee.__tablename__} IN SHARE MODE"))
    return _lot(session)


def lock_open(session: Session, *rules: ColumnElement[bool]) -> list[OpenTask]:
    """Open tasks that keep to the rules, locked in the order of ids: two lockers never cross.

    One that is completed while we wait for its lock is not among them.
    """
    task = TASK.c
    columns = (
        _text_of(task.id),
        _text_of(task.assignee_id),
        task.assignment,
        task.said,
        task.fee_cents,
    )
    wanted = select(*columns).where(task.status == Status.OPEN, *rules)
    found = _rows(session, wanted.order_by(task.id).with_for_update())
    if not found:
        return []
    tasks, holders, *others = zip(*found, strict=True)
    return [OpenTask(*row) for row in zip(_uuids(tasks), _uuids(holders), *others, strict=True)]


def give(
    session: Session,
    tasks: Sequence[OpenTask],
    drawn: Sequence[UUID],
    *,
    at: datetime,
    run: int | None = None,
    cause: Meta | None = None,
) -> None:
    """Write the next assignment of each task and say so: three statements for every 5,000 tasks.

    Every draw is an assignment of its own, also to the same person: each has its fee (R14). The
    tasks are cut so that no statement of even 100,000 draws meets the limits of a web request.
    """
    for first in range(0, len(tasks), AT_ONCE):
        some, theirs = tasks[first : first + AT_ONCE], drawn[first : first + AT_ONCE]
        _note(session, some, theirs, run, at)
        _move(session, some, run, at)
        pairs = zip(some, theirs, strict=True)
        publish_all(session, [_said(task, person, at, cause) for task, person in pairs])


def redraw_stranded(session: Session, at: datetime, cause: Meta) -> int:
    """Draw again what people who left still hold (R10); how many tasks that were.

    With nobody in the lot the tasks stay where they are, shown as stranded, and the next word about
    a person, whoever that is, comes here again: they wait for nothing else.
    """
    if (
        session.scalar(select(TASK.c.id).where(TASK.c.status == "open", stranded()).limit(1))
        is None
    ):
        return 0
    people = _lot(session)  # only who hears auth changes it, and that is the caller
    if not people:
        return 0
    tasks = lock_open(session, stranded())
    give(session, tasks, lottery.draw(people, len(tasks)), at=at, cause=cause)
    return len(tasks)


def stranded() -> ColumnElement[bool]:
    """Of open tasks: the assignee was deactivated, and nobody could be drawn so far."""
    return TASK.c.assignee_id.in_(select(Assignee.id).where(~Assignee.active))


def _lot(session: Session) -> list[UUID]:
    people = select(_text_of(ASSIGNEE.c.id)).where(ASSIGNEE.c.eligible).order_by(ASSIGNEE.c.id)
    return _uuids([found for (found,) in _rows(session, people)])


def _text_of(column: Column[Any]) -> ColumnElement[Any]:
    """An id as text: making UUIDs of them one by one costs more than reading them."""
    return cast(column, Text)


def _rows(session: Session, query: Any) -> Sequence[Any]:
    """Past the ORM, which looks at each row."""
    session.flush()
    return session.connection().execute(query).all()


def _uuids(values: Iterable[Any]) -> list[UUID]:
    return msgspec.convert(values, list[UUID])


def _note(
    session: Session,
    tasks: Sequence[OpenTask],
    drawn: Sequence[UUID],
    run: int | None,
    at: datetime,
) -> None:
    """The history first: it is what the tasks follow."""
    reason = Reason.LEFT if run is None else Reason.SHUFFLE
    many.write(
        session,
        ASSIGNMENT,
        [
            {
                "task_id": task.id,
                "number": task.assignment + 1,
                "assignee_id": person,
                "previous_id": task.assignee_id,
                "at": at,
                "reason": reason,
                "run": run,
            }
            for task, person in zip(tasks, drawn, strict=True)
        ],
    )


def _move(session: Session, tasks: Sequence[OpenTask], run: int | None, at: datetime) -> None:
    """Each task follows the assignment just written for it; no other has the next number."""
    task, new = TASK.c, ASSIGNMENT.c
    of_this_draw = new.run == run if run is not None else stranded()
    moved: Any = session.execute(
        update(TASK)
        .values(
            assignee_id=new.assignee_id,
            assignment=new.number,
            assigned_at=at,
            said=task.said + 1,
        )
        .where(
            new.task_id == task.id,
            new.number == task.assignment + 1,
            task.status == Status.OPEN,
            new.task_id.between(tasks[0].id, tasks[-1].id),
            of_this_draw,
        )
    )
    assert moved.rowcount == len(tasks), "a locked open task cannot be completed or drawn"


def _said(task: OpenTask, person: UUID, at: datetime, cause: Meta | None) -> TaskAssigned:
    event = happened(
        at,
        made(
            TaskAssigned,
            task_id=task.id,
            key_version=task.said + 1,
            number=task.assignment + 1,
            assignee_id=person,
        ),
    )
    return event if cause is None else caused_by(cause, event)
