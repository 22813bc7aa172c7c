"""A fact has one moment: the one tasks writes down, and the one it tells the others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.contracts.tasks import TaskAssigned, TaskCompleted
from ates.kernel import clock
from ates.kernel.envelope import Meta
from ates.kernel.events import meta_of
from ates.tasks import drawing, service
from ates.tasks.models import Assignee, Assignment, Task
from ates.tasks.titles import Wording

from . import make


def test_what_is_written_down_and_what_is_said_have_one_moment(
    session: Session, said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A night could fall between any two looks at the clock; both have the same day."""
    moment = datetime(2026, 3, 10, 23, 59, tzinfo=UTC)

    def later() -> datetime:
        nonlocal moment
        moment += timedelta(minutes=1)
        return moment

    polly, _ = make.flock(session, 2)
    monkeypatch.setattr(clock, "now", later)
    task = service.create_task(session, Wording("Watch the clock"), by=polly)
    service.shuffle_open_tasks(session, by=polly)
    leave(session, holder_of(session, task))
    service.complete_task(session, task.number, by=holder_of(session, task))
    written = session.scalars(
        select(Assignment.at).where(Assignment.task_id == task.id).order_by(Assignment.number)
    ).all()
    assert moments(said, TaskAssigned) == list(written)
    assert moments(said, TaskCompleted) == [task.completed_at]
    assert len(set(written)) == 3


def holder_of(session: Session, task: Task) -> Any:
    session.refresh(task)
    return task.assignee_id


def leave(session: Session, person: Any) -> None:
    """The holder is gone, and what they held is drawn again."""
    found = session.get_one(Assignee, person)
    found.active = found.eligible = False
    session.flush()
    cause = Meta(id=person, source="auth", key="", key_version=1, occurred_at=make.EPOCH)
    assert drawing.redraw_stranded(session, clock.now(), cause) == 1


def moments(said: list[Any], kind: type[Any]) -> list[datetime]:
    return [meta_of(event).occurred_at for event in said if isinstance(event, kind)]
