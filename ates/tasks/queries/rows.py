"""A task as every list and page shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row, Select, select

from ates.tasks.models import Assignee, Status, Task

RECENT = timedelta(minutes=15)  # a row just completed keeps its place in the open list
UNKNOWN = "—"  # of somebody auth has not told us of yet
LATE = timedelta(minutes=10)  # a reward not booked by then is delayed


@dataclass(frozen=True)
class Who:
    """A person before whose name a parrot stands; somebody we were not told of has no name."""

    id: UUID
    name: str

    @classmethod
    def of(cls, person: UUID, name: str | None) -> Self:
        return cls(person, name or UNKNOWN)

    @property
    def known_name(self) -> str | None:
        return None if self.name == UNKNOWN else self.name


@dataclass(frozen=True)
class TaskRow:
    """One line of a list. Amounts are signed cents: what they do to the assignee's account."""

    id: UUID
    number: int
    title: str
    jira_id: str | None
    status: str
    assignee: Who
    assignment: int
    assigned_at: datetime
    created_at: datetime
    completed_at: datetime | None
    fee: int | None
    reward: int | None
    reward_state: str  # none, pending, delayed, booked
    mine: bool
    fresh: bool  # came since the last visit

    @property
    def can_complete(self) -> bool:
        return self.mine and self.status == Status.OPEN


COLUMNS = (
    Task.id,
    Task.number,
    Task.title,
    Task.jira_id,
    Task.status,
    Task.assignee_id,
    Task.assignment,
    Task.assigned_at,
    Task.created_at,
    Task.completed_at,
    Task.fee_cents,
    Task.reward_cents,
    Task.reward_entry_no,
    Task.worth_cents,
    Assignee.name.label("assignee_name"),
)


def tasks_with_names() -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).outerjoin(Assignee, Assignee.id == Task.assignee_id)


def row(found: Row[Any], viewer: UUID, now: datetime, seen_at: datetime | None = None) -> TaskRow:
    """A line out of `COLUMNS`, as `viewer` sees it at `now`."""
    mine = found.assignee_id == viewer
    return TaskRow(
        id=found.id,
        number=found.number,
        title=found.title,
        jira_id=found.jira_id,
        status=found.status,
        assignee=Who.of(found.assignee_id, found.assignee_name),
        assignment=found.assignment,
        assigned_at=found.assigned_at,
        created_at=found.created_at,
        completed_at=found.completed_at,
        fee=None if found.fee_cents is None else -found.fee_cents,
        reward=found.reward_cents,
        reward_state=reward_state(found, now),
        mine=mine,
        fresh=mine and seen_at is not None and found.assigned_at > seen_at,
    )


def reward_state(found: Row[Any], now: datetime) -> str:
    """`none` until the task is done; then on its way, late after ten minutes, or booked."""
    if found.completed_at is None:
        return "none"
    if found.reward_entry_no is not None:
        return "booked"
    return "delayed" if found.completed_at < now - LATE else "pending"
