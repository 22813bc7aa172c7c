"""R4, R5, R6, R8: creating and completing."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from ates.contracts.auth import Role
from ates.contracts.tasks import TaskAssigned, TaskCompleted, TaskCreated, TaskRetitled
from ates.kernel import clock, ids
from ates.kernel.errors import Conflict, Forbidden, NotFound
from ates.tasks import service
from ates.tasks.titles import Wording
from tests.engines.marks import both
from tests.tasks import make

pytestmark = both


def test_a_new_task_is_open_has_a_number_and_an_assignee_and_is_said(
    session: Session, said: list[Any]
) -> None:
    polly = make.assignee(session)
    task = service.create_task(session, Wording("Feed", "POPUG-1", "Millet"), by=polly.id)
    assert (task.number, task.status, task.assignee_id) == (1, "open", polly.id)
    assert said == [
        TaskCreated(
            task_id=task.id,
            key_version=1,
            number=1,
            title="Feed",
            jira_id="POPUG-1",
            description="Millet",
            created_by=polly.id,
        ),
        TaskAssigned(task_id=task.id, key_version=2, number=1, assignee_id=polly.id),
    ]
    assert service.create_task(session, Wording("Feed"), by=polly.id).number == 2


def test_the_first_assignment_is_said_once_so_it_is_charged_once(
    session: Session, said: list[Any]
) -> None:
    make.flock(session, 2)
    make.tasks(session, 3, by=ids.new())
    assert sum(isinstance(event, TaskAssigned) for event in said) == 3


def test_with_nobody_to_draw_from_creating_is_refused_and_changes_nothing(
    session: Session, said: list[Any]
) -> None:
    make.assignee(session, "Margo", Role.MANAGER)
    make.assignee(session, "Adam", Role.ADMIN)
    make.assignee(session, "Gone", active=False)
    with pytest.raises(Conflict, match="There is nobody to give the task to"):
        service.create_task(session, Wording("Feed"), by=ids.new())
    assert make.all_tasks(session) == []
    assert said == []


def test_managers_and_admins_may_create(session: Session) -> None:
    make.assignee(session)
    margo = make.assignee(session, "Margo", Role.MANAGER)
    assert service.create_task(session, Wording("Feed"), by=margo.id).created_by == margo.id


def test_a_task_completes_once(session: Session, said: list[Any]) -> None:
    task = make.task(session, polly := make.assignee(session))
    service.complete_task(session, task.number, by=polly.id)
    done_at = task.completed_at
    service.complete_task(session, task.number, by=polly.id)
    assert said == [TaskCompleted(task_id=task.id, key_version=3, assignee_id=polly.id)]
    assert (task.status, task.completed_by, task.completed_at) == ("done", polly.id, done_at)


def test_only_the_assignee_completes(session: Session, said: list[Any]) -> None:
    task = make.task(session, make.assignee(session))
    gosha = make.assignee(session, "Gosha")
    with pytest.raises(Forbidden, match="Assignee now: Polly"):
        service.complete_task(session, task.number, by=gosha.id)
    service.complete_task(session, task.number, by=task.assignee_id)
    with pytest.raises(Forbidden):
        service.complete_task(session, task.number, by=gosha.id)
    assert len(said) == 1


def test_an_unknown_task_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        service.complete_task(session, 77, by=ids.new())


def test_a_task_shuffled_away_names_who_when_and_the_new_assignee(session: Session) -> None:
    kesha, margo = make.assignee(session, "Kesha"), make.assignee(session, "Margo", Role.MANAGER)
    task = make.task(session, kesha)
    _leave_the_lot(session, kesha.id)
    gosha = make.assignee(session, "Gosha")
    run = service.shuffle_open_tasks(session, by=margo.id)
    with pytest.raises(Conflict) as refused:
        service.complete_task(session, task.number, by=kesha.id)
    assert refused.value.values == {"who": "Margo", "time": run.pressed_at, "name": "Gosha"}
    service.complete_task(session, task.number, by=gosha.id)
    with pytest.raises(Conflict, match="Already done"):
        service.complete_task(session, task.number, by=kesha.id)


def test_a_task_that_came_back_can_be_completed_again(session: Session) -> None:
    kesha = make.assignee(session, "Kesha")
    task = make.task(session, kesha)
    for _ in range(3):
        service.shuffle_open_tasks(session, by=ids.new())
    service.complete_task(session, task.number, by=kesha.id)
    assert make.all_tasks(session)[0].status == "done"


def test_a_promoted_person_keeps_tasks_till_the_next_shuffle_and_gets_no_new_ones(
    session: Session,
) -> None:
    kesha, gosha = make.assignee(session, "Kesha"), make.assignee(session, "Gosha")
    kept, lost = make.task(session, kesha), make.task(session, kesha)
    make.hear(session, make.changed(kesha.id, 2, name="Kesha", role=Role.MANAGER))
    assert {task.assignee_id for task in make.all_tasks(session)} == {kesha.id}
    service.complete_task(session, kept.number, by=kesha.id)
    new = make.tasks(session, 20, by=gosha.id)
    assert {task.assignee_id for task in new} == {gosha.id}
    service.shuffle_open_tasks(session, by=ids.new())
    assert make.all_tasks(session)[lost.number - 1].assignee_id == gosha.id


def test_numbers_have_no_gap(session: Session) -> None:
    make.flock(session, 1)
    make.tasks(session, 5, by=ids.new())
    make.hear(session)
    assert [task.number for task in make.all_tasks(session)] == [1, 2, 3, 4, 5]


def test_old_titles_are_parted_in_batches_and_said_as_retitled(
    session: Session, said: list[Any]
) -> None:
    polly = make.assignee(session)
    old = [
        make.task(session, polly, title)
        for title in ("[POPUG-1] - feed [me]", "fine", "POPUG-2: nest", "[] empty")
    ]
    assert list(_parted(session, batch=2)) == [1, 2]
    assert [(t.title, t.jira_id, t.said) for t in make.all_tasks(session)] == [
        ("feed (me)", "POPUG-1", 3),
        ("fine", None, 2),
        ("nest", "POPUG-2", 3),
        ("() empty", None, 3),
    ]
    assert said[0] == TaskRetitled(
        task_id=old[0].id, key_version=3, title="feed (me)", jira_id="POPUG-1"
    )
    assert list(_parted(session, batch=100)) == [0]


def test_looking_through_never_goes_back(session: Session) -> None:
    polly, now = make.assignee(session), clock.now()
    service.look_through(session, by=polly.id, at=now)
    service.look_through(session, by=polly.id, at=now - timedelta(hours=1))
    session.refresh(polly)
    assert polly.seen_at == now


def _parted(session: Session, batch: int) -> Sequence[int]:
    changed, after = [], 0
    while step := service.part_titles(session, after=after, batch=batch):
        after = step.last
        changed.append(step.changed)
    return changed


def _leave_the_lot(session: Session, person: Any) -> None:
    make.hear(session, make.changed(person, 2, name="Kesha", role=Role.MANAGER))
