"""`tasks.task_created` in both its versions: what was once said is readable for ever (R9)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from ates.contracts.tasks import TaskCreated, split_title
from ates.kernel import clock, ids
from ates.kernel.db import Database
from ates.kernel.errors import UnknownEvent
from ates.kernel.events import load
from ates.kernel.tables import consumer, event_log, outbox, parked

SCHEMAS = Path(__file__).parents[2] / "schemas" / "tasks" / "task_created"
GOLDEN = sorted(SCHEMAS.glob("*.golden/*.json"))
IDS = [f"{path.parent.name[0]}-{path.stem}" for path in GOLDEN]


def read(path: Path) -> tuple[int, dict[str, Any]]:
    return int(path.parent.name.partition(".")[0]), json.loads(path.read_text())


@pytest.mark.parametrize("path", GOLDEN, ids=IDS)
def test_every_version_becomes_todays_event(path: Path) -> None:
    version, data = read(path)
    event = load("tasks.task_created", version, data, 1)
    assert isinstance(event, TaskCreated)
    assert not set("[]") & set(event.title)
    assert event.number == data["number"]


def test_version_1_had_the_id_in_the_title() -> None:
    made = {
        path.stem: load("tasks.task_created", 1, data, 1)
        for path in GOLDEN
        for version, data in [read(path)]
        if version == 1
    }
    assert {name: (each.jira_id, each.title) for name, each in made.items()} == {
        "id-in-the-title": ("POPUG-1", "feed the parrot"),
        "id-with-a-dash": ("POPUG-42", "Починить гнездо"),
        "only-brackets": (None, "(urgent) oil the (north) cage"),
        "plain": (None, "Order millet"),
    }


def test_a_newer_version_is_not_guessed() -> None:
    with pytest.raises(UnknownEvent):
        load("tasks.task_created", 3, {}, 1)


def test_both_versions_reach_todays_handlers(database: Database, drain: Callable[[], None]) -> None:
    with database.transaction() as session:
        session.execute(
            insert(outbox),
            [
                {
                    "event_id": ids.new(),
                    "source": "tasks",
                    "type": "tasks.task_created",
                    "version": version,
                    "key": f"task_id:{data['task_id']}",
                    "key_version": 1,
                    "occurred_at": clock.now(),
                    "data": json.dumps(data),
                    "meta": "{}",
                }
                for version, data in map(read, GOLDEN)
            ],
        )
    drain()
    with database.reading() as session:
        assert session.execute(select(parked)).all() == []
        last = session.scalar(select(func.max(event_log.c.position)))
        assert set(session.scalars(select(consumer.c.position))) == {last}


@pytest.mark.parametrize("long", ["K-1 t", "\u212a-1: t", "ſ-1: t"])
def test_only_latin_letters_make_an_id(long: str) -> None:
    assert split_title(long) == (None, long)
