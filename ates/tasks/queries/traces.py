"""Which stream of events is whose, for operators who follow a task through the house."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.tasks.models import Task


def stream_of(session: Session, number: int) -> tuple[str, str] | None:
    """The stream of task `number`; None if there is none."""
    found = session.scalar(select(Task.id).where(Task.number == number))
    return None if found is None else ("tasks", f"task_id:{found}")
