"""What `flask ops verify` says of tasks: nothing of honest rows, a sentence of each that is not."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from ates.kernel.db import Database
from ates.tasks import service, shuffling
from ates.tasks.verify import verify
from tests.engines.marks import both
from tests.tasks import make

pytestmark = both


@pytest.fixture
def people(
    app: Flask, database: Database, drain: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> list[UUID]:
    """Three people, seven tasks, one of them done, two runs, the second in chunks and half done."""
    monkeypatch.setattr(shuffling, "CHUNK", 2)
    with app.app_context(), database.transaction() as session:
        made = make.flock(session, 3)
        make.tasks(session, 7, by=made[0])
        service.shuffle_open_tasks(session, by=made[0])
        service.complete_task(session, 2, by=make.by_number(session, 2).assignee_id)
    drain()
    monkeypatch.setattr(shuffling, "AT_ONCE", 3)
    with app.app_context(), database.transaction() as session:
        service.shuffle_open_tasks(session, by=made[0])
        shuffling.draw_chunk(session)
    return made


def test_honest_rows_hold_at_any_moment(people: list[UUID], app: Flask) -> None:
    with app.app_context():
        assert verify(False) == []
        assert verify(True) == []


LIES = {
    "UPDATE tasks_assignee SET active = false, eligible = false WHERE id ="
    " (SELECT assignee_id FROM tasks_task WHERE number = 1)": (False, "its assignee has left"),
    "DELETE FROM tasks_assignee WHERE id = (SELECT assignee_id FROM tasks_task WHERE number = 1)": (
        False,
        "its assignee is unknown",
    ),
    "UPDATE tasks_run SET moved = moved - 1, drawn = drawn - 1 WHERE number = 2": (
        False,
        "shuffle 2 counts 1 draws",
    ),
    "UPDATE tasks_task SET assignee_id = :other WHERE number = 1": (
        False,
        "task 1 is not with the one its last assignment names",
    ),
    "UPDATE tasks_task SET completed_by = :other WHERE number = 2": (
        True,
        "task 2 is not with the one its last assignment names",
    ),
    "DELETE FROM tasks_assignment WHERE number = 1 AND task_id ="
    " (SELECT id FROM tasks_task WHERE number = 3)": (
        True,
        "task 3 counts 3 assignments and has 2",
    ),
    "UPDATE tasks_task SET said = said + 1 WHERE number = 4": (True, "task 4 has said"),
    "UPDATE tasks_task SET status = 'open', completed_at = NULL, completed_by = NULL"
    " WHERE number = 2": (True, "task 2 has said 4 events, the log has 4 up to 4, 1 of them"),
    "UPDATE tasks_head SET last = 9 WHERE name = 'task'": (
        True,
        "7 tasks have numbers up to 7, and 9 were given out",
    ),
}


def test_each_row_that_lies_is_named(people: list[UUID], app: Flask, database: Database) -> None:
    tables = ("tasks_task", "tasks_assignment", "tasks_run", "tasks_assignee", "tasks_head")
    for lie, (needs_full, words) in LIES.items():
        with database.session() as session, app.app_context():
            before = {name: rows_of(session, name) for name in tables}
            other: Any = UUID(int=7) if not database.is_sqlite else str(UUID(int=7))
            statement = text(lie)
            session.execute(statement, {"other": other} if ":other" in lie else {})
            session.commit()
            found = verify(needs_full)
            assert any(words in each for each in found), (lie, found)
            assert needs_full is False or not any(words in each for each in verify(False))
            put_back(session, before)
            session.commit()
            assert verify(True) == []


def rows_of(session: Any, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(text(f"SELECT * FROM {table}")).mappings()]


def put_back(session: Any, before: dict[str, list[dict[str, Any]]]) -> None:
    """All rows as they were; references last."""
    for table in ("tasks_assignment", "tasks_task", "tasks_run", "tasks_assignee", "tasks_head"):
        now = rows_of(session, table)
        if now == before[table]:
            continue
        for row in before[table]:
            names = ", ".join(row)
            marks = ", ".join(f":{name}" for name in row)
            changes = ", ".join(f"{name} = excluded.{name}" for name in row)
            keys = {"tasks_assignment": "task_id, number", "tasks_head": "name"}
            keys |= {"tasks_run": "number"}
            session.execute(
                text(
                    f"INSERT INTO {table} ({names}) VALUES ({marks})"
                    f" ON CONFLICT ({keys.get(table, 'id')}) DO UPDATE SET {changes}"
                ),
                row,
            )
