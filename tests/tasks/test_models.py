"""The rules a single row of tasks keeps by itself."""

import pytest

from ates.kernel import clock, ids
from ates.tasks.models import Status, Task


def test_a_row_refuses_a_second_completion() -> None:
    task = Task(status=Status.DONE, assignee_id=ids.new())
    with pytest.raises(AssertionError):
        task.complete(task.assignee_id, clock.now())


def test_a_row_is_completed_by_its_assignee_only() -> None:
    task = Task(status=Status.OPEN, assignee_id=ids.new())
    with pytest.raises(AssertionError):
        task.complete(ids.new(), clock.now())
