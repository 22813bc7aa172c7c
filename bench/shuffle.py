"""Shuffle of all open tasks, from the press to the last chunk's commit, against the bare driver."""

import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import insert, update

from ates.kernel import clock, ids
from ates.kernel.db import Database, transaction
from ates.tasks import service, shuffling
from ates.tasks.models import Assignee, Assignment, Head, Reason, Status, Task
from bench.drain import database_of
from bench.places import Place, opened
from bench.table import Measure, median

PEOPLE = 500
AT_ONCE = 5_000
ASSIGN = (
    "INSERT INTO tasks_assignment (task_id, number, assignee_id, previous_id, at, reason, run)"
    " {rows}"
)
SAY = (
    "INSERT INTO outbox"
    " (event_id, source, type, version, key, key_version, occurred_at, data, meta) {rows}"
)
GIVE = "UPDATE tasks_task SET assignee_id = {0}, assignment = {0}, assigned_at = {0}, said = {0}"


def measure(place: Place, data: Path, tasks: int, rounds: int) -> Sequence[Measure]:
    """Medians; the bare driver before and after each round."""
    url = place.fresh()
    with opened(url, data) as app:
        people = _company(database_of(app), tasks)
    trial = place.copy(url)
    _press(trial, data, people[0])
    plan = _plan(trial, data, place.kind)
    place.drop(trial)
    ratios, ours, bares = [], [], [_bare(place, url, plan)]
    for _ in range(rounds):
        copy = place.copy(url)
        ours.append(_press(copy, data, people[0]))
        place.drop(copy)
        bares.append(_bare(place, url, plan))
        ratios.append(ours[-1] / ((bares[-1] + bares[-2]) / 2))
    return [
        Measure(
            f"shuffle of {tasks:,} open tasks, press to last commit",
            place.kind,
            f"{median(ours):.1f} s",
            f"{median(bares):.1f} s",
            median(ratios),
            "<= 2.5",
            median(ratios) <= 2.5,
            note=f"rounds {', '.join(f'{each:.2f}' for each in ratios)}",
        )
    ]


def _company(database: Database, tasks: int) -> list[UUID]:
    """People in the lot and their open tasks, priced, as they are after a while."""
    people, now = [ids.new() for _ in range(PEOPLE)], clock.now()
    rows = [
        {
            "id": person,
            "name": f"Popug {number}",
            "name_key": f"popug {number}",
            "role": "employee",
            "active": True,
            "eligible": True,
            "version": 1,
            "seen_at": now,
        }
        for number, person in enumerate(people)
    ]
    with database.transaction() as session:
        session.execute(insert(Assignee), rows)
        session.execute(update(Head).where(Head.name == "task").values(last=tasks))
    for first in range(0, tasks, AT_ONCE):
        numbers = range(first + 1, min(first + AT_ONCE, tasks) + 1)
        made = [_task(number, people[number % PEOPLE], now) for number in numbers]
        with database.transaction() as session:
            session.execute(insert(Task), made)
            session.execute(insert(Assignment), [_first(task) for task in made])
    return people


def _task(number: int, person: UUID, now: Any) -> dict[str, Any]:
    return {
        "id": ids.new(),
        "number": number,
        "title": f"feed the parrot {number}",
        "status": Status.OPEN,
        "assignee_id": person,
        "assignment": 1,
        "assigned_at": now,
        "created_by": person,
        "created_at": now,
        "fee_cents": 1500,
        "reward_cents": 3000,
        "worth_cents": 3000,
        "priced_at": now,
        "said": 2,
    }


def _first(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": task["id"],
        "number": 1,
        "assignee_id": task["assignee_id"],
        "at": task["created_at"],
        "reason": Reason.CREATED,
    }


def _press(url: str, data: Path, by: UUID) -> float:
    """The press and its chunks, as web and worker do them, one after the other."""
    with opened(url, data):
        started = time.perf_counter()
        with transaction("tasks") as session:
            service.shuffle_open_tasks(session, by=by)
        more = True
        while more:
            with transaction("tasks") as session:
                more = shuffling.unfinished(session) and shuffling.draw_chunk(session)
        return time.perf_counter() - started


# --- the bare driver ------------------------------------------------------------------------------

Chunk = tuple[list[Any], list[Any], list[Any]]  # assignments, tasks, events


def _plan(url: str, data: Path, kind: str) -> list[Chunk]:
    """The rows that a shuffle wrote, in the transactions it wrote them in."""
    with opened(url, data) as app, database_of(app).reading() as session:
        ask = session.connection().exec_driver_sql
        columns = "task_id, number, assignee_id, previous_id, at, reason, run"
        order = "JOIN tasks_task t ON t.id = task_id WHERE run IS NOT NULL ORDER BY t.number"
        moves = ask(
            f"SELECT {', '.join('a.' + each for each in columns.split(', '))}"
            f" FROM tasks_assignment a {order}"
        ).all()
        said = ask(
            "SELECT event_id, source, type, version, key, key_version, occurred_at, data, meta"
            " FROM outbox ORDER BY seq"
        ).all()
    by_task = {json.loads(row[7])["task_id"]: tuple(row) for row in said}
    chunks = []
    size = len(moves) if len(moves) <= shuffling.AT_ONCE else shuffling.CHUNK
    for first in range(0, len(moves), size):
        some = moves[first : first + size]
        events = [by_task[str(row[0])] for row in some]
        tasks = [
            (row[2], row[1], row[4], event[5], row[0])
            for row, event in zip(some, events, strict=True)
        ]
        chunks.append(([tuple(row) for row in some], tasks, events))
    return chunks


def _bare(place: Place, url: str, plan: Sequence[Chunk]) -> float:
    copy = place.copy(url)
    write = _on_sqlite if place.kind == "sqlite" else _on_postgresql
    seconds = write(copy, plan)
    place.drop(copy)
    return seconds


def _on_sqlite(url: str, plan: Sequence[Chunk]) -> float:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("foreign_keys = ON", "synchronous = FULL", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("INSERT INTO tasks_run SELECT * FROM tasks_run WHERE 0")
    connection.execute("PRAGMA foreign_keys = OFF")  # the run's one row is not worth making
    marks = {count: "VALUES (" + ", ".join("?" * count) + ")" for count in (7, 9)}
    started = time.perf_counter()
    for moves, tasks, events in plan:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(ASSIGN.format(rows=marks[7]), moves)
        connection.executemany(GIVE.format("?") + " WHERE id = ?", tasks)
        connection.executemany(SAY.format(rows=marks[9]), events)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return seconds


def _on_postgresql(url: str, plan: Sequence[Chunk]) -> float:
    kinds = {
        7: "uuid bigint uuid uuid timestamptz text bigint",
        9: "uuid text text bigint text bigint timestamptz text text",
        5: "uuid bigint timestamptz bigint uuid",
    }
    arrays = {
        count: ", ".join(f"%s::{kind}[]" for kind in names.split())
        for count, names in kinds.items()
    }
    give = (
        "UPDATE tasks_task t SET assignee_id = f.a, assignment = f.b, assigned_at = f.c,"
        f" said = f.d FROM unnest({arrays[5]}) AS f (a, b, c, d, id) WHERE t.id = f.id"
    )
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("ALTER TABLE tasks_assignment DROP CONSTRAINT IF EXISTS"
                           " fk_tasks_assignment_run_tasks_run")  # fmt: skip
        connection.commit()
        started = time.perf_counter()
        for moves, tasks, events in plan:
            for words, rows in (
                (ASSIGN.format(rows=f"SELECT * FROM unnest({arrays[7]})"), moves),
                (give, tasks),
                (SAY.format(rows=f"SELECT * FROM unnest({arrays[9]})"), events),
            ):
                connection.execute(words, [list(column) for column in zip(*rows, strict=True)])
            connection.commit()
        return time.perf_counter() - started
