"""One task with its history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, aliased

from ates.kernel.errors import N_, NotFound
from ates.tasks.models import Assignee, Assignment, Reason, Run, Task
from ates.tasks.queries.rows import TaskRow, Who, row, tasks_with_names

LINES = 200  # a task shuffled for hours has thousands of draws; the newest tell its story


@dataclass(frozen=True)
class HistoryLine:
    """One line of a task's history. `fee` is signed cents, `entry_no` says it is booked."""

    anchor: str
    kind: str  # created, priced, shuffle, left, completed
    at: datetime
    who: Who | None = None  # who did it
    assignee: Who | None = None
    previous: Who | None = None
    run: int | None = None
    entry_no: int | None = None

    @property
    def again(self) -> bool:
        """The lot gave the task to the same person again."""
        return self.previous is not None and self.previous == self.assignee


@dataclass(frozen=True)
class OneTask:
    """The page of a task."""

    task: TaskRow
    description: str | None
    created_by: Who
    history: list[HistoryLine]  # newest first
    hidden: int  # older draws that are not in the history
    stranded: bool  # its assignee left and nobody could be drawn so far


def row_of(session: Session, number: int, *, viewer: UUID, at: datetime) -> TaskRow:
    """One line of a list as it is now. Raises NotFound."""
    return row(_found(session, number), viewer, at)


def one(session: Session, number: int, *, viewer: UUID, at: datetime) -> OneTask:
    """A task by its number for people. Raises NotFound."""
    found, creator = _found(session, number), aliased(Assignee)
    more = session.execute(
        select(
            Task.description,
            Task.created_by,
            Task.priced_at,
            Task.reward_entry_no,
            creator.name.label("creator"),
            Assignee.active,
        )
        .outerjoin(creator, creator.id == Task.created_by)
        .outerjoin(Assignee, Assignee.id == Task.assignee_id)
        .where(Task.id == found.id)
    ).one()
    task = row(found, viewer, at)
    created_by = Who.of(more.created_by, more.creator)
    draws = _draws(session, found.id)
    return OneTask(
        task=task,
        description=more.description,
        created_by=created_by,
        history=_history(task, created_by, more.priced_at, more.reward_entry_no, draws),
        hidden=task.assignment - len(draws),
        stranded=task.completed_at is None and more.active is False,
    )


def _found(session: Session, number: int) -> Row[Any]:
    found = session.execute(tasks_with_names().where(Task.number == number)).first()
    if found is None:
        raise NotFound(N_("There is no task %(number)s."), number=str(number))
    return found


def _draws(session: Session, task_id: UUID) -> list[Row[Any]]:
    previous, presser = aliased(Assignee), aliased(Assignee)
    return list(
        session.execute(
            select(
                Assignment.number,
                Assignment.at,
                Assignment.reason,
                Assignment.run,
                Assignment.fee_entry_no,
                Assignment.assignee_id,
                Assignment.previous_id,
                Run.pressed_by,
                Assignee.name,
                previous.name.label("previous_name"),
                presser.name.label("presser"),
            )
            .outerjoin(Assignee, Assignee.id == Assignment.assignee_id)
            .outerjoin(previous, previous.id == Assignment.previous_id)
            .outerjoin(Run, Run.number == Assignment.run)
            .outerjoin(presser, presser.id == Run.pressed_by)
            .where(Assignment.task_id == task_id)
            .order_by(Assignment.number.desc())
            .limit(LINES)
        )
    )


def _history(
    task: TaskRow,
    created_by: Who,
    priced_at: datetime | None,
    reward_entry_no: int | None,
    draws: list[Row[Any]],
) -> list[HistoryLine]:
    lines = [_drawn(each, created_by) for each in draws]
    if priced_at is not None:
        lines.append(HistoryLine("priced", "priced", priced_at))
    if task.completed_at is not None:
        lines.append(
            HistoryLine(
                "completed",
                "completed",
                task.completed_at,
                who=task.assignee,
                entry_no=reward_entry_no,
            )
        )
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _drawn(draw: Row[Any], created_by: Who) -> HistoryLine:
    by = None if draw.pressed_by is None else Who.of(draw.pressed_by, draw.presser)
    return HistoryLine(
        anchor=f"a{draw.number}",
        kind=draw.reason,
        at=draw.at,
        who=created_by if draw.reason == Reason.CREATED else by,
        assignee=Who.of(draw.assignee_id, draw.name),
        previous=None if draw.previous_id is None else Who.of(draw.previous_id, draw.previous_name),
        run=draw.run,
        entry_no=draw.fee_entry_no,
    )
