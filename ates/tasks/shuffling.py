"""A run of shuffle: drawn in the transaction of its press, or in chunks that follow it (R7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from ates.kernel import clock, duty, ids
from ates.kernel.duty import Duty
from ates.kernel.errors import N_, Conflict, NotReady
from ates.kernel.events import Cause, cause, caused
from ates.tasks import drawing, lottery
from ates.tasks.drawing import OpenTask
from ates.tasks.lottery import Spread
from ates.tasks.models import Assignment, Run, Status, Task

AT_ONCE = 20_000  # open tasks; more are drawn in chunks (resilience.md, chapter 11)
CHUNK = 4_000  # tasks; each chunk is one transaction, so a kill costs one
WAITING = 20  # runs may wait for the one that goes on

QUEUE_FULL = N_("Too many shuffles wait for their turn. Try again in a little while.")
UNDONE = Run.done_at.is_(None)


def press(session: Session, number: int, by: UUID) -> Run:
    """Run `number`, whose lock the caller holds: drawn now if it is small and nothing is ahead.

    Else it is written down, and the worker goes on with it. Raises Conflict, NotReady.
    """
    at = clock.now()
    ahead = session.scalar(select(func.count()).where(UNDONE)) or 0
    if ahead > WAITING:
        raise NotReady(QUEUE_FULL)
    people = drawing.hold_lot(session)
    if not people:
        raise Conflict(drawing.NOBODY)
    found, last = session.execute(
        select(func.count(), func.coalesce(func.max(Task.number), 0)).where(
            Task.status == Status.OPEN
        )
    ).one()
    run = _blank(number, by, at, found, len(people), last)
    if ahead or found > AT_ONCE:
        session.add(run)
        session.flush()
        duty.ask(session, CHUNKS.name)
        return run
    drawn = _draw(session, people, Task.number <= run.last_number)
    drawn.count(run)
    _finish(run, lottery.spread(people, drawn.people))
    session.add(run)
    session.flush()
    drawn.give(session, run, at)
    return run


def unfinished(session: Session) -> bool:
    """Whether a run waits for its chunks."""
    return session.scalar(select(Run.number).where(UNDONE).limit(1)) is not None


def draw_chunk(session: Session) -> bool:
    """The next chunk of the first run that is not finished; whether there may be more to do.

    Runs come one after the other, each under the lock of its row: nobody draws a chunk twice, and
    what this transaction loses is drawn again from the mark of the one before. The lot is who is in
    it now: whoever left since the press gets nothing (I9), and their tasks were drawn again.
    """
    run = _lock_first(session)
    people = drawing.hold_lot(session) if run is not None else []
    if run is None or not people:  # another worker is at it, or all waits for somebody to draw
        return False
    count, upper = _ahead(session, run)
    if count:
        rules = (Task.number > run.mark, Task.number <= upper)
        drawn = _draw(session, people, *rules)
        drawn.count(run)
        run.mark = upper
        with caused(Cause(run.correlation_id)):
            drawn.give(session, run, clock.now())
    if count < CHUNK:
        _finish(run, _spread(session, run))
    session.flush()
    return True


CHUNKS = Duty("tasks.shuffle", due=unfinished, step=draw_chunk)


# --- the steps ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Drawn:
    """Locked open tasks and who gets each."""

    tasks: Sequence[OpenTask]
    people: Sequence[UUID]

    def count(self, run: Run) -> None:
        """Add what was drawn to the figures of the run."""
        pairs = zip(self.tasks, self.people, strict=True)
        run.drawn += len(self.tasks)
        run.moved += sum(task.assignee_id != who for task, who in pairs)
        run.fees_cents += sum(task.fee_cents or 0 for task in self.tasks)
        run.unpriced += sum(task.fee_cents is None for task in self.tasks)

    def give(self, session: Session, run: Run, at: datetime) -> None:
        drawing.give(session, self.tasks, self.people, at=at, run=run.number)


def _draw(session: Session, people: Sequence[UUID], *rules: ColumnElement[bool]) -> _Drawn:
    tasks = drawing.lock_open(session, *rules)
    return _Drawn(tasks, lottery.draw(people, len(tasks)))


def _blank(number: int, by: UUID, at: datetime, found: int, people: int, last: int) -> Run:
    return Run(
        number=number,
        id=ids.new(),
        pressed_by=by,
        pressed_at=at,
        tasks=found,
        people=people,
        last_number=last,
        correlation_id=cause().correlation_id,
        **dict.fromkeys(("drawn", "moved", "fees_cents", "unpriced"), 0),
        **dict.fromkeys(("mark", "least", "median", "most"), 0),
    )


def _finish(run: Run, spread: Spread) -> None:
    run.done_at = clock.now()
    run.least, run.median, run.most = spread.least, spread.median, spread.most


def _lock_first(session: Session) -> Run | None:
    """The first unfinished run, unless somebody holds it: the second one waits for its turn."""
    first = session.scalar(select(func.min(Run.number)).where(UNDONE))
    if first is None:
        return None
    return session.scalars(
        select(Run)
        .where(Run.number == first, UNDONE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _ahead(session: Session, run: Run) -> tuple[int, int]:
    """How many open tasks are in the next chunk, and the last number of them."""
    ahead = (
        select(Task.number)
        .where(Task.status == Status.OPEN, Task.number > run.mark, Task.number <= run.last_number)
        .order_by(Task.number)
        .limit(CHUNK)
        .subquery()
    )
    figures = select(func.count(), func.coalesce(func.max(ahead.c.number), 0))
    count, upper = session.execute(figures).one()
    return count, upper


def _spread(session: Session, run: Run) -> Spread:
    """Tasks per person of the whole run; who was in the lot and got none counts as zero."""
    counted = session.scalars(
        select(func.count()).where(Assignment.run == run.number).group_by(Assignment.assignee_id)
    )
    return lottery.spread_of([*counted], among=run.people)
