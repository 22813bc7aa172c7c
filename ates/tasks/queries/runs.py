"""Shuffles: what one would do, and what those did that were pressed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session, aliased

from ates.kernel.errors import N_, NotFound
from ates.tasks import drawing
from ates.tasks.models import Assignee, Assignment, Run, Status, Task
from ates.tasks.queries.rows import Who

LAST = 10


@dataclass(frozen=True)
class RunRow:
    """One run (R7). `fees` are positive cents, expected of the tasks that had a price."""

    id: UUID
    number: int
    pressed_by: Who
    pressed_at: datetime
    done_at: datetime | None
    waits_for: int | None  # the run before it, which is not finished either
    tasks: int
    drawn: int
    people: int
    moved: int
    fees: int
    unpriced: int
    least: int
    median: int
    most: int

    @property
    def again(self) -> int:
        """Draws that gave the task to the same person, each for its fee."""
        return self.drawn - self.moved

    @property
    def completed(self) -> int:
        """Tasks that were completed before the run came to them; known at its end."""
        return self.tasks - self.drawn if self.done_at else 0

    @property
    def state(self) -> str:
        if self.done_at is not None:
            return "run_done"
        return "run_running" if self.waits_for is None else "run_waiting"


@dataclass(frozen=True)
class Ask:
    """The page before the button: the cost stands there first."""

    tasks: int
    people: int
    fees: int  # positive cents
    unpriced: int
    stranded: int  # held by people who left, waiting for somebody to draw
    last: list[RunRow]


@dataclass(frozen=True)
class Receipt:
    """The page after: what was drawn, and how much of it is booked."""

    run: RunRow
    booked: int
    booked_fees: int  # positive cents


def ask(session: Session) -> Ask:
    """Everything a shuffle would cost now, and the last ones. Changes nothing."""
    tasks, fees, priced = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Task.fee_cents), 0),
            func.count(Task.fee_cents),
        ).where(Task.status == Status.OPEN)
    ).one()
    people = select(func.count()).where(Assignee.eligible).scalar_subquery()
    stranded = (
        select(func.count())
        .select_from(Task)
        .where(Task.status == Status.OPEN, drawing.stranded())
        .scalar_subquery()
    )
    in_lot, left = session.execute(select(people, stranded)).one()
    last = session.execute(runs().order_by(Run.number.desc()).limit(LAST))
    return Ask(
        tasks=tasks,
        people=in_lot,
        fees=int(fees or 0),
        unpriced=tasks - priced,
        stranded=left,
        last=[run_row(each) for each in last],
    )


def receipt(session: Session, number: int) -> Receipt:
    """One run and how far its fees are booked. Raises NotFound."""
    run = session.execute(runs().where(Run.number == number)).first()
    if run is None:
        raise NotFound(N_("There is no shuffle %(number)s."), number=str(number))
    booked, fees = session.execute(
        select(func.count(), func.coalesce(func.sum(Task.fee_cents), 0))
        .select_from(Assignment)
        .join(Task, Task.id == Assignment.task_id)
        .where(Assignment.run == number, Assignment.fee_entry_no.is_not(None))
    ).one()
    return Receipt(run_row(run), booked, int(fees or 0))


def runs() -> Select[*tuple[Any, ...]]:
    before = aliased(Run)
    ahead = (
        select(func.max(before.number))
        .where(before.done_at.is_(None), before.number < Run.number, Run.done_at.is_(None))
        .scalar_subquery()
    )
    return select(Run, Assignee.name, ahead.label("ahead")).outerjoin(
        Assignee, Assignee.id == Run.pressed_by
    )


def run_row(found: Row[Any]) -> RunRow:
    run = found.Run
    return RunRow(
        id=run.id,
        number=run.number,
        pressed_by=Who.of(run.pressed_by, found.name),
        pressed_at=run.pressed_at,
        done_at=run.done_at,
        waits_for=found.ahead,
        tasks=run.tasks,
        drawn=run.drawn,
        people=run.people,
        moved=run.moved,
        fees=run.fees_cents,
        unpriced=run.unpriced,
        least=run.least,
        median=run.median,
        most=run.most,
    )
