"""R7 with very many tasks: a run is drawn in chunks, goes on by itself, each task exactly once."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from ates.app import create_app
from ates.contracts.auth import Role
from ates.kernel import ids
from ates.kernel.db import Database
from ates.kernel.duty import attend
from ates.kernel.errors import Conflict, NotReady
from ates.kernel.sweep import EventSweep
from ates.tasks import queries, service, shuffling
from ates.tasks.models import Assignment, Run, Status
from tests.engines.marks import both
from tests.engines.settings import trial
from tests.tasks import make

pytestmark = both

_processes = multiprocessing.get_context("forkserver")


class Crash(BaseException):
    """The process is gone: nobody catches this."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six tasks are very many; a chunk has four."""
    monkeypatch.setattr(shuffling, "AT_ONCE", 5)
    monkeypatch.setattr(shuffling, "CHUNK", 4)


@pytest.fixture
def people(database: Database, app: Flask) -> list[UUID]:
    """Three people in the lot and ten open tasks, committed."""
    with app.app_context(), database.transaction() as session:
        made = make.flock(session, 3)
        make.tasks(session, 10, by=made[0])
    return made


def press(database: Database) -> int:
    with database.transaction() as session:
        return service.shuffle_open_tasks(session, by=ids.new()).number


def step(database: Database) -> bool:
    with database.transaction() as session:
        return shuffling.draw_chunk(session)


def go_on(database: Database) -> None:
    while attend(database, shuffling.CHUNKS, seconds=30):
        pass


def drawn_in(session: Session, run: int) -> list[int]:
    """The numbers of the tasks that were drawn in a run, each as often as it was."""
    session.expire_all()
    by_id = {task.id: task.number for task in make.all_tasks(session)}
    found = session.scalars(select(Assignment.task_id).where(Assignment.run == run))
    return sorted(by_id[each] for each in found)


def the_books_of(session: Session, runs: int) -> None:
    """Each task says 1 to n, holds its last draw, and every run is counted as it was drawn."""
    for task in make.all_tasks(session):
        lines = make.draws(session, task)
        assert [line.number for line in lines] == list(range(1, task.assignment + 1))
        assert lines[-1].assignee_id == task.assignee_id
        assert task.said == 1 + task.assignment + (task.status == Status.DONE)
        of_runs = [line.run for line in lines if line.run is not None]
        assert of_runs == sorted(set(of_runs))
    for run in session.scalars(select(Run)):
        mine = session.scalars(select(Assignment).where(Assignment.run == run.number)).all()
        assert run.done_at is not None
        assert run.drawn == len(mine)
        assert run.moved == sum(line.assignee_id != line.previous_id for line in mine)
        counts = Counter(line.assignee_id for line in mine)
        assert run.most == max(counts.values(), default=0)
    assert session.scalar(text("SELECT count(*) FROM tasks_run")) == runs
    log = "SELECT count(*) FROM outbox WHERE type = 'tasks.task_assigned'"
    assert session.scalar(text(log)) == session.scalar(
        text("SELECT count(*) FROM tasks_assignment")
    )


def test_a_large_run_is_written_down_first_and_drawn_by_chunks(
    people: list[UUID], database: Database
) -> None:
    number = press(database)
    with database.reading() as session:
        run = queries.receipt(session, number).run
        assert (run.state, run.tasks, run.drawn, run.people) == ("run_running", 10, 0, 3)
        assert drawn_in(session, number) == []
    assert step(database)
    with database.reading() as session:
        run = queries.receipt(session, number).run
        assert (run.state, run.drawn, run.completed) == ("run_running", 4, 0)
        assert drawn_in(session, number) == [1, 2, 3, 4]
    assert [step(database) for _ in range(3)] == [True, True, False]
    with database.transaction() as session:
        run = queries.receipt(session, number).run
        assert (run.state, run.drawn, run.waits_for) == ("run_done", 10, None)
        assert drawn_in(session, number) == list(range(1, 11))
        the_books_of(session, runs=1)


def test_tasks_made_after_the_press_are_not_in_it_and_done_ones_stay_done(
    people: list[UUID], database: Database, app: Flask
) -> None:
    number = press(database)
    step(database)
    with app.app_context(), database.transaction() as session:
        make.tasks(session, 3, by=people[0])
        for each in (2, 7):  # one is drawn already, one not yet
            holder = make.by_number(session, each).assignee_id
            service.complete_task(session, each, by=holder)
    go_on(database)
    with database.transaction() as session:
        assert drawn_in(session, number) == [1, 2, 3, 4, 5, 6, 8, 9, 10]
        run = queries.receipt(session, number).run
        assert (run.tasks, run.drawn, run.completed) == (10, 9, 1)
        the_books_of(session, runs=1)


def test_who_leaves_in_the_middle_gets_nothing_more_and_keeps_nothing(
    people: list[UUID], database: Database
) -> None:
    number = press(database)
    step(database)
    with database.transaction() as session:
        make.hear(session, make.changed(people[1], 2, active=False))
        assert people[1] not in {task.assignee_id for task in make.all_tasks(session)}
    go_on(database)
    with database.transaction() as session:
        assert people[1] not in {task.assignee_id for task in make.all_tasks(session)}
        assert drawn_in(session, number) == list(range(1, 11))
        the_books_of(session, runs=1)


def test_when_all_have_left_a_run_waits_for_somebody_to_draw(
    people: list[UUID], database: Database
) -> None:
    press(database)
    with database.transaction() as session:
        for person in people:
            make.hear(session, make.changed(person, 2, role=Role.ADMIN))
    assert not step(database)
    with database.transaction() as session:
        make.flock(session, 1)
    go_on(database)
    with database.transaction() as session:
        the_books_of(session, runs=1)


def test_a_press_meanwhile_has_its_number_and_waits_its_turn(
    people: list[UUID], database: Database, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert press(database) == 1
    step(database)
    monkeypatch.setattr(shuffling, "AT_ONCE", 1000)  # small ones too
    assert [press(database), press(database)] == [2, 3]
    with database.reading() as session:
        runs = [queries.receipt(session, number).run for number in (1, 2, 3)]
        assert [run.state for run in runs] == ["run_running", "run_waiting", "run_waiting"]
        assert [run.waits_for for run in runs] == [None, 1, 2]
    go_on(database)
    assert press(database) == 4  # nothing is ahead: drawn at once
    with database.transaction() as session:
        the_books_of(session, runs=4)
        for number in (1, 2, 3, 4):
            assert drawn_in(session, number) == list(range(1, 11))
        pressed = [queries.receipt(session, number).run.done_at for number in (1, 2, 3, 4)]
        assert pressed == sorted(pressed, key=str)


def test_over_twenty_waiting_the_next_press_is_refused(
    people: list[UUID], database: Database
) -> None:
    for _ in range(21):
        press(database)
    with pytest.raises(NotReady, match="Too many shuffles wait"):
        press(database)
    step(database)
    go_on(database)
    assert press(database) == 22


# --- whatever happens -----------------------------------------------------------------------------


@contextmanager
def crashing(database: Database, at: int) -> Iterator[None]:
    """The process ends before the statement or commit number `at`, or does not meet it."""
    seen = [0]

    def count(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == at:
            raise Crash

    dialect: Any = database.engine.dialect
    commit = dialect.do_commit

    def do_commit(connection: Any) -> None:
        count()
        commit(connection)

    event.listen(database.engine, "before_cursor_execute", count)
    dialect.do_commit = do_commit
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", count)
        del dialect.do_commit


def test_wherever_a_worker_dies_every_task_is_drawn_exactly_once(
    people: list[UUID], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shuffling, "CHUNK", 6)
    crashes, survived = 0, False
    while not survived:
        number = press(database)
        with suppress(Crash), crashing(database, crashes + 1):
            go_on(database)
            survived = True
        crashes += 1
        go_on(database)
        with database.reading() as session:
            assert drawn_in(session, number) == list(range(1, 11))
    assert crashes > 15
    with database.transaction() as session:
        the_books_of(session, runs=crashes)


def victim(folder: Path, url: str, at: int) -> None:
    """A worker that is killed at its statement number `at`."""
    shuffling.CHUNK = 4
    app = create_app(trial(folder, url))
    database: Database = app.extensions["ates.database"]
    seen = [0]

    def count(*_: Any) -> None:
        seen[0] += 1
        if seen[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(database.engine, "before_cursor_execute", count)
    with app.app_context():
        go_on(database)


def test_a_killed_worker_costs_one_chunk_and_another_goes_on(
    people: list[UUID], database: Database, database_url: str, tmp_path: Path
) -> None:
    number = press(database)
    process = _processes.Process(target=victim, args=(tmp_path, database_url, 17))
    process.start()
    process.join(30)
    assert process.exitcode == -signal.SIGKILL
    with database.reading() as session:
        assert 0 < len(drawn_in(session, number)) < 10
    go_on(database)
    with database.transaction() as session:
        assert drawn_in(session, number) == list(range(1, 11))
        the_books_of(session, runs=1)


def test_many_workers_and_busy_people_beside_them_lose_nothing(
    people: list[UUID], database: Database, app: Flask
) -> None:
    failures: list[BaseException] = []
    acts = [
        *[lambda _: step(database)] * 3,
        lambda _: press(database),
        lambda number: work_off(database, number),
    ]
    threads = [Thread(target=ten_times, args=(app, act, failures)) for act in acts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    go_on(database)
    with database.transaction() as session:
        the_books_of(session, runs=10)


def ten_times(app: Flask, act: Callable[[int], object], failures: list[BaseException]) -> None:
    with app.app_context():
        for number in range(1, 11):
            try:
                act(number)
            except BaseException as error:
                failures.append(error)


def work_off(database: Database, number: int) -> None:
    """Its assignee marks a task done, unless it has just been shuffled away."""
    with database.reading() as session:
        holder = make.by_number(session, number).assignee_id
    with suppress(Conflict), database.transaction() as session:
        service.complete_task(session, number, by=holder)


def test_the_sweep_goes_on_with_a_run_without_redis(
    people: list[UUID], database: Database, app: Flask
) -> None:
    press(database)
    with app.app_context():
        inboxes, duties = app.extensions["ates.inboxes"], app.extensions["ates.duties"]
        look = EventSweep(database, list(inboxes.values()), duties=list(duties.values()))
        for _ in range(3):  # what one part says another hears at the next look
            look()
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM tasks_run WHERE done_at IS NULL")) == 0
        booked = "SELECT count(*) FROM tasks_assignment WHERE fee_entry_no IS NOT NULL AND run = 1"
        assert session.scalar(text(booked)) == 10


def test_the_chunks_carry_on_the_click_they_come_from(sign_in: Any, database: Database) -> None:
    manager = sign_in(Role.MANAGER)
    with database.transaction() as session:
        people = make.flock(session, 2)
    with manager.application.app_context(), database.transaction() as session:
        make.tasks(session, 6, by=people[0])
    answer = manager.submit("/tasks/shuffle", "/tasks/shuffles/")
    assert answer.status_code == 303
    go_on(database)
    with database.reading() as session:
        events = select(text("meta")).select_from(text("outbox")).where(text("key_version = 3"))
        metas = session.scalars(events).all()
    assert len(metas) == 6
    assert set(metas) == {f'{{"correlationid": "{answer.headers["X-Request-Id"]}"}}'}


# --- the page -------------------------------------------------------------------------------------


def test_the_page_of_a_run_shows_how_far_it_came_with_and_without_script(
    people: list[UUID], sign_in: Any, database: Database
) -> None:
    manager = sign_in(Role.MANAGER)
    answer = manager.submit("/tasks/shuffle", "/tasks/shuffles/")
    assert (answer.status_code, answer.location) == (303, "/tasks/shuffles/1")
    press(database)
    step(database)
    page = manager.get("/tasks/shuffles/1").text
    assert "4 of 10. You may leave this page; it goes on." in page
    assert 'data-poll="/tasks/shuffles/1" data-every="2"' in page
    waiting = manager.get("/tasks/shuffles/2").text
    assert "Shuffle 2 waits for 1." in waiting
    script = {"HX-Request": "true"}
    part = manager.get("/tasks/shuffles/1", headers=script)
    assert [part.text.count(f'id="{each}"') for each in ("run-state", "run")] == [1, 1]
    same = manager.get(
        "/tasks/shuffles/1", headers={**script, "If-None-Match": part.headers["ETag"]}
    )
    assert same.status_code == 304
    go_on(database)
    part = manager.get("/tasks/shuffles/1", headers=script)
    assert 'data-title="✓ Shuffle 1 · aTES"' in part.text
    assert "0 of 10 fees are booked" in part.text
    last = manager.get("/tasks/shuffle").text
    assert "/tasks/shuffles/2" in last
