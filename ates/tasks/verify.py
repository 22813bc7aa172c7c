"""What must hold of tasks (I9, I10), checked on all rows by statements over whole tables."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from ates.kernel import db
from ates.kernel.tables import OWN, event_log, log_head, outbox
from ates.tasks import drawing
from ates.tasks.models import Assignee, Assignment, Head, Run, Status, Task

SHOWN = 20  # of each kind
LAST_RUNS = 10  # that the quick check counts again

OPEN = Task.status == Status.OPEN
COMPLETED = "tasks.task_completed"


def verify(full: bool) -> Sequence[str]:
    """For `flask ops verify`: the open tasks and the last runs, or everything with the log."""
    if not full:
        with db.reading("tasks") as session:
            return [*_quick(session)]
    with db.patient("tasks") as database, database.reading() as session:
        return [*_quick(session), *_full(session)]


def _quick(session: Session) -> Iterator[str]:
    yield from _first(
        session,
        "task {} is open, and its assignee is unknown",
        select(Task.number).where(OPEN, ~exists().where(Assignee.id == Task.assignee_id)),
    )
    yield from _first(
        session,
        "task {} is open, its assignee has left, and there is somebody to draw",
        select(Task.number).where(OPEN, drawing.stranded(), exists().where(Assignee.eligible)),
    )
    yield from _held(session, OPEN)
    last = select(Run.number).order_by(Run.number.desc()).limit(LAST_RUNS)
    yield from _runs(session, Run.number.in_(last))


def _full(session: Session) -> Iterator[str]:
    yield from _held(session, ~OPEN)
    yield from _runs(session, literal(True))
    yield from _draws(session)
    yield from _said(session)
    last, count = session.execute(
        select(func.coalesce(func.max(Task.number), 0), func.count(Task.number))
    ).one()
    given = session.scalar(select(Head.last).where(Head.name == "task"))
    if not last == count == given:
        yield f"{count} tasks have numbers up to {last}, and {given} were given out"


def _held(session: Session, which: ColumnElement[bool]) -> Iterator[str]:
    """Each task is with the one whom its last assignment names, and was done by that one (I9)."""
    last = and_(Assignment.task_id == Task.id, Assignment.number == Task.assignment)
    yield from _first(
        session,
        "task {} is not with the one its last assignment names",
        select(Task.number)
        .outerjoin(Assignment, last)
        .where(
            which,
            or_(
                Assignment.assignee_id.is_(None),
                Assignment.assignee_id != Task.assignee_id,
                and_(~OPEN, Task.completed_by != Task.assignee_id),
            ),
        ),
    )


def _draws(session: Session) -> Iterator[str]:
    """The assignments of each task are numbered from 1 to its count, each follows the last."""
    counted = (
        select(
            Assignment.task_id,
            func.count().label("rows"),
            func.max(Assignment.number).label("last"),
        )
        .group_by(Assignment.task_id)
        .subquery()
    )
    differs = or_(counted.c.rows != Task.assignment, counted.c.last != Task.assignment)
    yield from _first(
        session,
        "task {} counts {} assignments and has {}",
        select(Task.number, Task.assignment, func.coalesce(counted.c.rows, 0))
        .outerjoin(counted, counted.c.task_id == Task.id)
        .where(or_(counted.c.rows.is_(None), differs)),
    )
    before = aliased(Assignment)
    yield from _first(
        session,
        "assignment {1} of task {0} was not taken from the one before",
        select(Task.number, Assignment.number)
        .select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .outerjoin(
            before,
            and_(before.task_id == Assignment.task_id, before.number == Assignment.number - 1),
        )
        .where(
            Assignment.number > 1,
            or_(before.assignee_id.is_(None), before.assignee_id != Assignment.previous_id),
        ),
    )


def _runs(session: Session, which: ColumnElement[bool]) -> Iterator[str]:
    """A run drew as many tasks, and moved as many, as it says."""
    moved = case((Assignment.assignee_id != Assignment.previous_id, 1), else_=0)
    rows = (
        select(
            Assignment.run,
            func.count().label("drawn"),
            func.sum(moved).label("moved"),
        )
        .where(Assignment.run.in_(select(Run.number).where(which)))
        .group_by(Assignment.run)
        .subquery()
    )
    drawn, went = func.coalesce(rows.c.drawn, 0), func.coalesce(rows.c.moved, 0)
    yield from _first(
        session,
        "shuffle {} counts {} draws, {} to another, and made {}, {}",
        select(Run.number, Run.drawn, Run.moved, drawn, went)
        .outerjoin(rows, rows.c.run == Run.number)
        .where(which, or_(Run.drawn != drawn, Run.moved != went)),
    )
    yield from _first(
        session,
        "shuffle {} is done with {} draws of {} tasks among {} people",
        select(Run.number, Run.drawn, Run.tasks, Run.people).where(
            which,
            or_(Run.drawn > Run.tasks, Run.moved > Run.drawn, Run.people < 1),
        ),
    )


def _said(session: Session) -> Iterator[str]:
    """Each task's events are 1 to n without a gap, one completion if and only if it is done (I10).

    Staging and the log together hold all that was ever said, unless the log was pruned.
    """
    if session.scalar(select(log_head.c.floor).where(OWN)):
        return
    parts = [
        select(
            each.c.key,
            each.c.key_version,
            case((each.c.type == COMPLETED, 1), else_=0).label("done"),
        ).where(each.c.source == "tasks")
        for each in (event_log, outbox)
    ]
    every = union_all(*parts).subquery()
    said = (
        select(
            every.c.key,
            func.count().label("events"),
            func.max(every.c.key_version).label("last"),
            func.sum(every.c.done).label("done"),
        )
        .group_by(every.c.key)
        .subquery()
    )
    done = case((OPEN, 0), else_=1)
    differs = or_(
        said.c.key.is_(None),
        said.c.events != Task.said,
        said.c.last != Task.said,
        said.c.done != done,
    )
    yield from _first(
        session,
        "task {} has said {} events, the log has {} up to {}, {} of them a completion",
        select(Task.number, Task.said, said.c.events, said.c.last, said.c.done)
        .outerjoin(said, said.c.key == literal("task_id:") + cast(Task.id, Text))
        .where(differs),
    )


def _first(session: Session, words: str, query: Select[*tuple[Any, ...]]) -> Iterator[str]:
    for row in session.execute(query.limit(SHOWN)):
        yield words.format(*row)
