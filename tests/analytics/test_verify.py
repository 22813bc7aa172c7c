"""`flask analytics verify`: quiet on right figures, and a sentence for each wrong one."""

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from ates.analytics.cli import commands
from ates.analytics.models import Base, DayBelow, DaySum, Person, Task
from ates.kernel import db
from ates.kernel.events import contract_of, meta_of
from ates.kernel.tables import consumer, event_log, log_head, parked
from tests.analytics import make
from tests.analytics.make import ARA, BIBI, COCO, FIRST, Ledger
from tests.engines.marks import both

ONE = timedelta(days=1)


def story() -> list[Any]:
    """Names, two paid days and one that runs; every table has rows, and payouts are honest."""
    ledger = Ledger()
    ledger.open(FIRST)
    ledger.open(FIRST + ONE)
    for number in range(3):
        day = FIRST + number * ONE
        for hour, who in enumerate((ARA, BIBI, ARA, COCO)):
            at = make.moment(day, hour, number)
            ledger.post(
                ledger.entry("fee", who, -1000 - hour, day, at=at, number=9 * number + hour)
            )
        for hour, who in ((9, BIBI), (11, COCO), (12, COCO)):
            at = make.moment(day, hour)
            ledger.post(ledger.entry("reward", who, 3000, day, at=at, number=9 * number + hour))
        if number < 2:
            ledger.close(day)
            ledger.open(day + 2 * ONE)
            ledger.post(*(ledger.entry("payout", who, -due, day) for who, due in _due(ledger, day)))
            ledger.pay(day)
    return [make.person(ARA, "Ara"), *ledger.events]


def _due(ledger: Ledger, day: date) -> list[tuple[Any, int]]:
    owed = Counter[Any]()
    for each in ledger.entries:
        owed[each.person_id] += each.amount_cents * (each.business_date <= day)
    return [(who, cents) for who, cents in owed.items() if cents > 0]


def log_of(session: Session, events: list[Any], name: str = "analytics") -> None:
    """The log with these events, all of them handled by this consumer."""
    rows = []
    for place, each in enumerate(events, 1):
        meta, contract = meta_of(each), contract_of(type(each))
        rows.append(
            {
                "log": "ates",
                "position": place,
                "event_id": meta.id,
                "source": meta.source,
                "type": contract.type,
                "version": contract.version,
                "key": meta.key,
                "key_version": each.key_version,
                "occurred_at": meta.occurred_at,
                "data": contract.encode(each).decode(),
                "meta": "{}",
                "recorded_at": meta.occurred_at,
            }
        )
    session.execute(insert(event_log), rows)
    session.execute(update(log_head).values(position=len(events)))
    session.execute(update(consumer).where(consumer.c.name == name).values(position=len(events)))
    session.info["consumer"] = name
    make.feed(session, events)


@pytest.fixture
def told(app: Flask) -> Flask:
    """An application that has heard the story."""
    with app.app_context(), db.transaction("analytics") as session:
        log_of(session, story())
    return app


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(commands, ["verify", *words])
    return result.exit_code, result.output


def change(app: Flask, statement: Any) -> None:
    with app.app_context(), db.transaction("analytics") as session:
        session.execute(statement)


@both
def test_right_figures_are_left_alone(told: Flask) -> None:
    assert run(told)[0] == 0
    code, said = run(told, "--full")
    assert (code, said[:28]) == (0, "Figures agree: 25 entries, 4")


# A figure in each table, and a value that it never has.
WRONG = [
    ("head", "entry_no", 999),
    ("day", "lost", 77),
    ("day", "payout_cents", 1),
    ("person", "balance_cents", 7),
    ("person", "name", "Somebody else"),
    ("person_day", "earned_cents", 7),
    ("day_below", "balance_cents", -7),
    ("minute", "earned_cents", 7),
    ("moment", "earned_cents", 7),
    ("day_reward", "tasks", 70),
    ("task", "reward_cents", 70),
]


def one_row(app: Flask, name: str) -> tuple[Any, Any]:
    """A table, and what names one of its rows."""
    table = Base.metadata.tables[f"analytics_{name}"]
    with app.app_context(), db.reading("analytics") as session:
        keys = list(table.primary_key)
        row = session.execute(select(*keys).order_by(*keys).limit(1)).one()
    which = [key == value for key, value in zip(keys, row, strict=True)]
    return table, which


@both
def test_full_names_a_wrong_figure_in_each_table(told: Flask) -> None:
    for name, column, value in WRONG:
        table, which = one_row(told, name)
        change(told, update(table).where(*which).values({column: value}))
    code, said = run(told, "--full", "--json")
    assert code == 4
    sentences = json.loads(said)["differences"]
    for name, column, value in WRONG:
        expected = f"{column} is {value}, the log says "
        assert any(
            each.startswith(f"analytics_{name}") and expected in each for each in sentences
        ), (name, column)


@pytest.mark.parametrize("name", ["day_below", "minute", "task"])
def test_full_names_a_row_too_few_and_one_too_many(told: Flask, name: str) -> None:
    table, which = one_row(told, name)
    with told.app_context(), db.transaction("analytics") as session:
        row = dict(session.execute(select(table).where(*which)).one()._mapping)
        session.execute(delete(table).where(*which))
        last = list(table.primary_key)[-1].name
        other = make.task(999) if "_id" in last else row[last] + timedelta(days=900)
        session.execute(insert(table).values({**row, last: other}))
    said = run(told, "--full")[1]
    assert f"analytics_{name} " in said
    assert "is missing" in said
    assert "is there, the log knows nothing of it" in said


def test_quick_compares_sums_and_control_totals(told: Flask) -> None:
    change(told, update(Person).where(Person.person_id == ARA).values(balance_cents=7))
    change(told, update(DaySum).where(DaySum.business_date == FIRST).values(fee_cents=-1))
    change(told, delete(DayBelow).where(DayBelow.business_date == FIRST))
    code, said = run(told, "--quick")
    assert code == 4
    assert "balances of people sum to" in said
    assert f"{FIRST}: accounting.day_closed says" in said
    assert f"{FIRST}: 0 people are listed below zero, the close said" in said
    assert "the log says" not in said


def test_what_is_set_aside_is_not_counted(app: Flask) -> None:
    """An event that waits for a person, and all behind it, have no effect yet."""
    events = story()
    with app.app_context(), db.transaction("analytics") as session:
        log_of(session, events[:-3])
        rows = [
            {
                "consumer": "analytics", "log": "ates", "position": place, "source": "accounting",
                "key": "ledger:main", "status": status, "attempts": 1,
            }
            for place, status in ((len(events) - 2, "dead"), (len(events) - 1, "blocked"))
        ]  # fmt: skip
        session.execute(insert(parked), rows)
        late = events[-3:-1]
        session.execute(
            insert(event_log),
            [
                {
                    "log": "ates", "position": len(events) - 2 + number,
                    "event_id": meta_of(each).id, "source": "accounting",
                    "type": contract_of(type(each)).type, "version": 1, "key": "ledger:main",
                    "key_version": each.key_version, "occurred_at": meta_of(each).occurred_at,
                    "data": contract_of(type(each)).encode(each).decode(), "meta": "{}",
                    "recorded_at": meta_of(each).occurred_at,
                }
                for number, each in enumerate(late)
            ],
        )  # fmt: skip
        session.execute(update(consumer).values(position=len(events) - 1))
    assert run(app, "--full")[0] == 0


def test_the_generation_that_is_shown_is_compared(told: Flask) -> None:
    with told.app_context(), db.transaction("analytics") as session:
        session.execute(delete(event_log))
        session.execute(
            update(consumer).where(consumer.c.name == "analytics").values(mode="retired")
        )
        row = {"name": "analytics@2", "log": "ates", "position": 0, "mode": "live"}
        session.execute(insert(consumer).values(**row))
        log_of(session, story(), "analytics@2")
        session.execute(update(Task).where(Task.generation == 1).values(reward_cents=1))
    code, said = run(told, "--full", "--json")
    assert (code, json.loads(said)["generation"]) == (0, 2)


def prune(app: Flask) -> None:
    change(app, update(log_head).values(floor=2))
    change(app, delete(event_log).where(event_log.c.position <= 2))


@both
def test_of_a_pruned_log_the_tables_are_compared_with_each_other(told: Flask) -> None:
    prune(told)
    code, said = run(told, "--full")
    assert code == 0, said
    assert "The log is pruned up to 2: the tables were compared with each other only." in said


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [each for each in WRONG if each[:2] not in (("person", "name"), ("day", "payout_cents"))],
)
def test_a_wrong_figure_is_found_without_the_log(
    told: Flask, name: str, column: str, value: object
) -> None:
    prune(told)
    table, which = one_row(told, name)
    change(told, update(table).where(*which).values({column: value}))
    code, said = run(told, "--full")
    assert code == 4, said


def test_what_cannot_run_is_1(app: Flask, tmp_path: Path) -> None:
    app.extensions["ates.database"].close()
    (tmp_path / "ates.sqlite3").rename(tmp_path / "elsewhere")
    assert run(app)[0] == 1
