"""Tasks, their history and the runs as the API tells them: by id, newest first, behind a place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, aliased

from ates.kernel.errors import N_, NotFound
from ates.tasks.models import Assignee, Assignment, Reason, Run, Task
from ates.tasks.queries.listing import Filter, rules
from ates.tasks.queries.runs import RunRow, run_row, runs

LAST_LINE = 2**62  # the place of the line that a completion is: behind all assignments
Name = tuple[UUID, str | None]  # of a person; none until tasks has heard it

_creator = aliased(Assignee)
_presser = aliased(Assignee)


@dataclass(frozen=True)
class Whole:
    """A task with the names of its people."""

    task: Task
    assignee: Name
    created_by: Name

    @property
    def reward_state(self) -> Literal["none", "pending", "booked"]:
        if self.task.completed_at is None:
            return "none"
        return "pending" if self.task.reward_entry_no is None else "booked"


@dataclass(frozen=True)
class Line:
    """One line of a task's history; `place` orders them: 0, the assignments, the completion."""

    place: int
    what: Literal["created", "assigned", "completed"]
    at: datetime
    by: Name | None
    assignee: Name | None = None
    assignment: int | None = None
    run: int | None = None


def whole(session: Session, task_id: UUID) -> Whole:
    """One task by its id. Raises NotFound."""
    found = session.execute(_tasks().where(Task.id == task_id)).first()
    if found is None:
        raise NotFound(N_("There is no such task."))
    return _whole(found)


def wholes(session: Session, wanted: Filter, *, before: int | None, limit: int) -> list[Whole]:
    """Tasks that match, newest first, those with smaller numbers than `before`."""
    query = _tasks().where(*rules(session, wanted))
    if before is not None:
        query = query.where(Task.number < before)
    return [_whole(row) for row in session.execute(query.order_by(Task.number.desc()).limit(limit))]


def lines(session: Session, task_id: UUID, *, behind: int, limit: int) -> list[Line]:
    """What happened to a task, oldest first, the lines behind a place. Raises NotFound."""
    found = whole(session, task_id)
    task = found.task
    told = [Line(0, "created", task.created_at, found.created_by)]
    told += [_drawn(row, found) for row in _draws(session, task_id, behind, limit)]
    if task.completed_at is not None:
        by = found.assignee
        told.append(Line(LAST_LINE, "completed", task.completed_at, by, by, task.assignment, None))
    return [line for line in told if line.place > behind][:limit]


def run_of(session: Session, run_id: UUID) -> RunRow:
    """One run by its id. Raises NotFound."""
    found = session.execute(runs().where(Run.id == run_id)).first()
    if found is None:
        raise NotFound(N_("There is no such shuffle."))
    return run_row(found)


def last_runs(session: Session, *, before: int | None, limit: int) -> list[RunRow]:
    """Runs, newest first, those with smaller numbers than `before`."""
    query = runs().order_by(Run.number.desc()).limit(limit)
    if before is not None:
        query = query.where(Run.number < before)
    return [run_row(row) for row in session.execute(query)]


def _tasks() -> Select[*tuple[Any, ...]]:
    return (
        select(Task, Assignee.name.label("holder"), _creator.name.label("creator"))
        .outerjoin(Assignee, Assignee.id == Task.assignee_id)
        .outerjoin(_creator, _creator.id == Task.created_by)
        .execution_options(populate_existing=True)
    )


def _whole(row: Row[Any]) -> Whole:
    task = row.Task
    return Whole(task, (task.assignee_id, row.holder), (task.created_by, row.creator))


def _draws(session: Session, task_id: UUID, behind: int, limit: int) -> Sequence[Any]:
    return session.execute(
        select(Assignment, Assignee.name, Run.pressed_by, _presser.name.label("presser"))
        .outerjoin(Assignee, Assignee.id == Assignment.assignee_id)
        .outerjoin(Run, Run.number == Assignment.run)
        .outerjoin(_presser, _presser.id == Run.pressed_by)
        .where(Assignment.task_id == task_id, Assignment.number > behind)
        .order_by(Assignment.number)
        .limit(limit)
    ).all()


def _drawn(row: Row[Any], found: Whole) -> Line:
    draw = row.Assignment
    by = None if row.pressed_by is None else (row.pressed_by, row.presser)
    return Line(
        place=draw.number,
        what="assigned",
        at=draw.at,
        by=found.created_by if draw.reason == Reason.CREATED else by,
        assignee=(draw.assignee_id, row.name),
        assignment=draw.number,
        run=draw.run,
    )
