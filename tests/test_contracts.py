"""Events that were said once can be read for ever, and their schemas only gain (events.md, P10)."""

import json
import subprocess
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from ates.app import CONTEXTS
from ates.kernel.db import Database
from ates.kernel.delivery import DRY, Drain
from ates.kernel.events import contract_of, contracts, key_of, load, readable
from ates.kernel.inbox import Inbox
from ates.kernel.tables import OWN_LOG, consumer, event_log, log_head, parked
from ates.ops.catalogue import folder_of
from ates.ops.compatibility import breaks

from .engines.marks import both

HOME = Path(__file__).parents[1]
INBOXES = [part.inbox for part in CONTEXTS if part.inbox is not None]
PUBLISHED = [
    (contract.type, version)
    for contract in sorted(contracts.values(), key=lambda each: each.type)
    for version in range(1, contract.version + 1)
]

# The ledger is one stream: its examples are told in the order in which they could have happened.
LEDGER = [
    ("day_opened", "a-day-of-25-hours"),
    ("day_closed", "a-day-without-entries"),
    ("day_paid", "nobody-to-pay"),
    ("day_opened", "a-day-in-utc"),
    ("tasks_priced", "two-tasks"),
    ("entries_posted", "1-ordinary"),
    ("day_closed", "one-below-zero"),
    ("entries_posted", "2-payout-without-cards"),
    ("day_paid", "one-payout"),
]
ORDER = ["person_registered", "person_changed", "task_created", "task_retitled", "task_assigned"]


def examples(name: str, version: int) -> list[Path]:
    folder = HOME / folder_of(contracts[name]) / f"{version}.golden"
    return sorted(folder.glob("*.json"))


def schema_of(name: str, version: int) -> dict[str, Any]:
    text = (HOME / folder_of(contracts[name]) / f"{version}.json").read_text()
    return dict(json.loads(text))


@pytest.mark.parametrize(("name", "version"), PUBLISHED)
def test_every_published_version_has_its_schema_and_examples(name: str, version: int) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(name, version))
    assert schema_of(name, version)["title"] == f"{name} version {version}"
    assert examples(name, version)
    for path in examples(name, version):
        jsonschema.validate(json.loads(path.read_text()), schema_of(name, version))


@pytest.mark.parametrize(("name", "version"), PUBLISHED)
def test_todays_code_reads_every_example(name: str, version: int) -> None:
    contract = contracts[name]
    assert readable(name, version)
    for path in examples(name, version):
        event = load(name, version, json.loads(path.read_text()), 1)
        said_again = json.loads(contract.encode(event))
        jsonschema.validate(said_again, schema_of(name, contract.version))
        assert load(name, contract.version, said_again, 1) == event


def test_an_unknown_field_is_dropped_and_a_missing_one_filled() -> None:
    data = json.loads(examples("tasks.task_created", 2)[-1].read_text())
    event = load("tasks.task_created", 2, {**data, "colour": "green"}, 1)
    assert event == load("tasks.task_created", 2, data, 1)
    assert event.jira_id is None


@both
@pytest.mark.parametrize("inbox", INBOXES, ids=lambda inbox: inbox.name)
def test_every_example_is_handled_by_all_who_hear_it(
    inbox: Inbox, app: Flask, database: Database
) -> None:
    rows = list(told(inbox))
    with database.transaction() as session:
        session.execute(insert(event_log), rows)
        session.execute(update(log_head).values(position=len(rows)))
    with app.app_context():
        drain = Drain(database, inbox)
        assert drain.run(seconds=30) == DRY
    with database.reading() as session:
        assert (
            session.execute(select(parked.c.error).where(parked.c.consumer == inbox.name)).all()
            == []
        )
        where = consumer.c.name == inbox.name
        assert (session.scalar(select(consumer.c.position).where(where)) or 0) >= len(rows)


def told(inbox: Inbox) -> Iterator[dict[str, Any]]:
    """Rows of the log: every example this inbox hears, each stream numbered without a gap."""
    numbers: dict[str, int] = {}
    for position, (name, version, path) in enumerate(story(inbox), 1):
        data = path.read_text()
        event = load(name, version, json.loads(data), 1)
        key = key_of(event)
        numbers[key] = numbers.get(key, 0) + 1
        moment = datetime(2026, 11, 23, 12, 0, position, tzinfo=UTC)
        yield {
            "log": OWN_LOG,
            "position": position,
            "event_id": UUID(int=0x0193_0000_0000_7000_8000_0000_0000_0000 + position),
            "source": contract_of(type(event)).source,
            "type": name,
            "version": version,
            "key": key,
            "key_version": numbers[key],
            "occurred_at": moment,
            "data": data,
            "meta": "{}",
            "recorded_at": moment,
        }


def story(inbox: Inbox) -> list[tuple[str, int, Path]]:
    found = [
        (name, version, path)
        for name, version in PUBLISHED
        if name in inbox.types
        for path in examples(name, version)
    ]
    return sorted(found, key=_when)


def _when(example: tuple[str, int, Path]) -> tuple[int, str]:
    name, _version, path = example
    source, _, kind = name.partition(".")
    if source == "accounting":
        return len(ORDER) + LEDGER.index((kind, path.stem)) + 1, ""
    return (ORDER.index(kind) if kind in ORDER else len(ORDER)), path.as_posix()


# --- what may change ------------------------------------------------------------------------------


def test_released_schemas_only_gain() -> None:
    """Compared with every version that was released: the tags `v…`, if git knows any."""
    for tag in git("tag", "--list", "v*").split():
        for name in git("ls-tree", "-r", "--name-only", tag, "schemas").split():
            if name.endswith(".json") and ".golden/" not in name:
                today = json.loads((HOME / name).read_text())
                assert breaks(json.loads(git("show", f"{tag}:{name}")), today) == [], (tag, name)


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=HOME, capture_output=True, text=True, check=False)
    return done.stdout


OLD: dict[str, Any] = {
    "properties": {"a": {"type": "string"}, "p": {"$ref": "#/$defs/P"}},
    "required": ["a", "p"],
    "$defs": {"P": {"properties": {"x": {"enum": ["one", "two"]}}, "required": ["x"]}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    new = deepcopy(OLD)
    *where, last = path.split("/")
    place: Any = new
    for step in where:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return new


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties/b", {"type": "string", "default": ""}),
        ("properties/a", {"type": "string", "description": "in other words"}),
        ("$defs/Q", {"properties": {}}),
        ("$defs/P/properties/y", {"type": "integer", "default": 0}),
    ],
)
def test_what_only_gains_is_compatible(path: str, value: Any) -> None:
    assert breaks(OLD, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("properties/a", None),
        ("properties/a", {"type": "integer"}),
        ("properties/a", {"type": "string", "pattern": "^x"}),
        ("properties/b", {"type": "string"}),
        ("required", ["a"]),
        ("required", ["a", "p", "b"]),
        ("$defs/P/properties/x", {"enum": ["one", "two", "three"]}),
        ("$defs/P/required", []),
    ],
)
def test_everything_else_needs_a_new_version(path: str, value: Any) -> None:
    new = changed(path, value)
    new["properties"].setdefault("b", {"type": "string", "default": ""})
    if path == "properties/b":
        new["properties"]["b"] = value
    assert breaks(OLD, new) != []
