"""A shuffle of 20,000 open tasks is one transaction, one of 100,000 many: each as it should."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from ates.kernel import clock, ids
from ates.kernel.tables import outbox
from ates.tasks import service, shuffling
from ates.tasks.drawing import ASSIGNMENT, TASK
from ates.tasks.models import Head, Reason, Status, Task
from tests.engines.marks import both
from tests.tasks import make

pytestmark = [pytest.mark.proof, both, pytest.mark.timeout(300)]


def fill(session: Session, count: int) -> None:
    """So many open tasks of a hundred people, as rows."""
    people, now = make.flock(session, 100), clock.now()
    for first in range(1, count, 5_000):
        made = [(number, ids.new()) for number in range(first, first + 5_000)]
        session.execute(
            insert(TASK),
            [
                {
                    "id": task,
                    "number": number,
                    "title": f"Feed nest {number}",
                    "status": Status.OPEN,
                    "assignee_id": people[number % 100],
                    "assignment": 1,
                    "assigned_at": now,
                    "created_by": people[0],
                    "created_at": now,
                    "fee_cents": 1000,
                    "reward_cents": 2000,
                    "worth_cents": 2000,
                    "said": 2,
                }
                for number, task in made
            ],
        )
        session.execute(
            insert(ASSIGNMENT),
            [
                {
                    "task_id": task,
                    "number": 1,
                    "assignee_id": people[number % 100],
                    "at": now,
                    "reason": Reason.CREATED,
                }
                for number, task in made
            ],
        )
    session.get_one(Head, "task").last = count
    session.flush()


@pytest.mark.parametrize("count", [20_000, 100_000])
def test_very_many_tasks_are_drawn_at_once_or_in_chunks(
    session: Session, count: int, record_property: Callable[[str, object], None]
) -> None:
    fill(session, count)
    began = clock.monotonic()
    run = service.shuffle_open_tasks(session, by=ids.new())
    assert (run.done_at is not None) == (count <= shuffling.AT_ONCE)
    while shuffling.draw_chunk(session):
        pass
    seconds = clock.monotonic() - began
    record_property("seconds", round(seconds, 2))
    assert (run.drawn, run.people, run.fees_cents) == (count, 100, count * 1000)
    assert session.scalar(select(func.count()).select_from(outbox)) == count
    moved = select(func.count()).where(Task.assignment == 2, Task.said == 3)
    assert session.scalar(moved) == count
    print(f"{count} tasks: {seconds:.2f} s")
