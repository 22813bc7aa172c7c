"""R7: one button, all open tasks, one numbered run, however many tasks there are."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ates.contracts.auth import Role
from ates.contracts.tasks import TaskAssigned
from ates.kernel import ids
from ates.kernel.db import Database, transaction
from ates.kernel.errors import Conflict, is_outage
from ates.tasks import queries, service
from ates.tasks.models import Reason, Run
from tests.engines.marks import both
from tests.tasks import make

pytestmark = both


def statements(session: Session, act: Callable[[], Any]) -> int:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    engine = session.get_bind().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return len(seen)


def test_every_open_task_gets_a_draw_an_event_and_a_line_of_history(
    session: Session, said: list[Any]
) -> None:
    people = make.flock(session, 5)
    tasks = make.tasks(session, 20, by=people[0])
    done = tasks[3]
    service.complete_task(session, done.number, by=done.assignee_id)
    before = {task.id: task.assignee_id for task in tasks}
    said.clear()
    run = service.shuffle_open_tasks(session, by=people[1])
    assert (run.number, run.pressed_by) == (1, people[1])
    assert (run.tasks, run.drawn, run.people) == (19, 19, 5)
    now = make.all_tasks(session)
    assert sorted(said, key=lambda e: str(e.task_id)) == sorted(
        (
            TaskAssigned(task_id=task.id, key_version=3, number=2, assignee_id=task.assignee_id)
            for task in now
            if task.id != done.id
        ),
        key=lambda e: str(e.task_id),
    )
    moved = sum(before[task.id] != task.assignee_id for task in now)
    assert run.moved == moved
    for task in now:
        lines = make.draws(session, task)
        if task.id == done.id:
            assert (task.status, len(lines)) == ("done", 1)
        else:
            assert (task.said, task.assignment, len(lines)) == (3, 2, 2)
            last = lines[-1]
            assert (last.reason, last.run, last.previous_id) == (Reason.SHUFFLE, 1, before[task.id])
            assert (last.assignee_id, last.at) == (task.assignee_id, task.assigned_at)


def test_the_same_person_drawn_again_is_charged_again(session: Session, said: list[Any]) -> None:
    (only,) = make.flock(session, 1)
    make.tasks(session, 3, by=only)
    said.clear()
    run = service.shuffle_open_tasks(session, by=only)
    assert (run.drawn, run.moved) == (3, 0)
    assert [(event.number, event.assignee_id) for event in said] == [(2, only)] * 3


def test_pressed_again_and_again_each_press_is_a_numbered_run(session: Session) -> None:
    make.flock(session, 3)
    make.tasks(session, 4, by=ids.new())
    runs = [service.shuffle_open_tasks(session, by=ids.new()).number for _ in range(5)]
    assert runs == [1, 2, 3, 4, 5]
    for task in make.all_tasks(session):
        assert [line.number for line in make.draws(session, task)] == [1, 2, 3, 4, 5, 6]
        assert (task.assignment, task.said) == (6, 7)


def test_nobody_in_the_lot_is_refused_and_leaves_no_run(session: Session, said: list[Any]) -> None:
    kesha = make.assignee(session, "Kesha")
    make.task(session, kesha)
    make.hear(session, make.changed(kesha.id, 2, role=Role.ADMIN))
    with pytest.raises(Conflict, match="nobody to give"), session.begin_nested():
        service.shuffle_open_tasks(session, by=kesha.id)
    assert session.scalars(select(Run)).all() == []
    assert said == []
    make.flock(session, 1)
    assert service.shuffle_open_tasks(session, by=kesha.id).number == 1


def test_without_open_tasks_a_run_is_empty(session: Session, said: list[Any]) -> None:
    make.flock(session, 2)
    run = service.shuffle_open_tasks(session, by=ids.new())
    assert (run.tasks, run.drawn, run.moved, run.most) == (0, 0, 0, 0)
    assert said == []


def test_expected_fees_are_those_of_the_priced_open_tasks(session: Session) -> None:
    kesha = make.assignee(session, "Kesha")
    make.task(session, kesha, fee=1400, reward=3200)
    make.task(session, kesha, fee=1000, reward=2000)
    make.task(session, kesha)
    page = queries.ask(session)
    assert (page.tasks, page.people, page.fees, page.unpriced) == (3, 1, 2400, 1)
    run = service.shuffle_open_tasks(session, by=kesha.id)
    assert (run.fees_cents, run.unpriced) == (2400, 1)
    receipt = queries.receipt(session, run.number)
    assert (receipt.booked, receipt.booked_fees) == (0, 0)
    tasks = make.all_tasks(session)
    make.hear(session, make.posted(make.entry(7, "fee", tasks[0].id, 2, -1400)))
    receipt = queries.receipt(session, run.number)
    assert (receipt.booked, receipt.booked_fees) == (1, 1400)


def test_ten_tasks_and_five_hundred_take_the_same_handful_of_statements(session: Session) -> None:
    make.flock(session, 7)
    make.tasks(session, 10, by=ids.new())
    few = statements(session, lambda: service.shuffle_open_tasks(session, by=ids.new()))
    make.tasks(session, 490, by=ids.new())
    many = statements(session, lambda: service.shuffle_open_tasks(session, by=ids.new()))
    assert few <= 10
    # A driver may cut a bulk insert into pages of a thousand rows and more, never of fewer.
    assert many <= few, "many rows may go by one COPY, which is no statement of its own"
    assert {task.assignment for task in make.all_tasks(session)} == {2, 3}


def test_creating_and_completing_beside_shuffles_loses_nothing(
    app: Flask, database: Database
) -> None:
    with app.app_context(), transaction("tasks") as session:
        people = make.flock(session, 4)
        make.tasks(session, 60, by=people[0])
    failures: list[Exception] = []
    threads = [
        Thread(target=thirty_times, args=(app, act, failures))
        for act in (
            lambda session, _: service.shuffle_open_tasks(session, by=people[0]),
            lambda session, _: make.tasks(session, 1, by=people[0]),
            complete_as_whoever_holds_it,
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.transaction() as session:
        check_the_books_of(session)


def thirty_times(app: Flask, act: Callable[[Session, int], Any], failures: list[Exception]) -> None:
    for number in range(1, 31):
        try:
            press(app, act, number)
        except Exception as error:
            failures.append(error)


def press(app: Flask, act: Callable[[Session, int], Any], number: int) -> None:
    """Once; told after a second's wait that the row is busy, again, as the page says."""
    for _ in range(5):
        try:
            with app.app_context(), transaction("tasks") as session:
                act(session, number)
        except OperationalError as error:
            if not is_outage(error):
                raise
        else:
            return
    raise TimeoutError("five times busy")


def complete_as_whoever_holds_it(session: Session, number: int) -> None:
    try:
        service.complete_task(session, number, by=make.by_number(session, number).assignee_id)
    except Conflict:  # shuffled away between the two statements; now the row is locked
        service.complete_task(session, number, by=make.by_number(session, number).assignee_id)


def check_the_books_of(session: Session) -> None:
    tasks = make.all_tasks(session)
    assert [task.number for task in tasks] == list(range(1, 91))
    runs = session.scalars(select(Run).order_by(Run.number)).all()
    assert [run.number for run in runs] == list(range(1, 31))
    assert all(0 <= run.tasks - run.drawn <= 30 for run in runs)
    lines = {task.id: make.draws(session, task) for task in tasks}
    assert sum(map(len, lines.values())) == 90 + sum(run.drawn for run in runs)
    for task in tasks:
        numbers = [line.number for line in lines[task.id]]
        assert numbers == list(range(1, task.assignment + 1))
        assert lines[task.id][-1].assignee_id == task.assignee_id
        assert task.said == 1 + task.assignment + (task.status == "done")
        assert (task.status == "done") == (task.number <= 30)
