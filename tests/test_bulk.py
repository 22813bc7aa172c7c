"""A company made by bulk: its books are proven, and the ordinary system goes on with it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import delete, func, inspect, select, text, update
from sqlalchemy.orm import Session

from ates.accounting.models import Account, BusinessDay, Entry, PayoutLetter
from ates.analytics.models import Person as Known
from ates.contracts.chronicle import Chapter, Chronicle, Draw, Job, Press, Size
from ates.kernel import ids
from ates.kernel.db import Database, transaction
from ates.kernel.tables import event_log, log_head
from ates.ops import bulk
from ates.tasks import service
from ates.tasks.models import Assignee, Task
from ates.tasks.titles import Wording

from .engines.marks import both

At = Callable[[str], AbstractContextManager[None]]

SIZE = Size(people=50, tasks=500, days=5)
PARTS = ("auth", "tasks", "accounting", "analytics")
NOON = "2026-03-11T12:00+00:00"


@pytest.fixture
def made(app: Flask, at: At) -> bulk.Made:
    """The company, at noon of its fifth day."""
    with at(NOON), app.app_context():
        return bulk.make(SIZE)


def said(app: Flask, *command: str) -> str:
    """What a command says that must not find anything."""
    done = app.test_cli_runner().invoke(args=command)
    assert done.exit_code == 0, done.output
    return done.output


def proven(app: Flask) -> None:
    said(app, "accounting", "verify", "--full")
    said(app, "events", "verify")
    said(app, "analytics", "verify", "--quick")


@both
def test_everything_that_is_proven_of_books_holds(app: Flask, database: Database, at: At) -> None:
    before = shape(database)
    with at(NOON), app.app_context():
        made = bulk.make(SIZE)
    assert shape(database) == before, "keys and indexes are there again"
    proven(app)
    assert "agree: 5 days" in said(app, "ops", "reconcile", "--days", "5")
    with database.reading() as session:
        count = session.scalar
        assert count(select(func.count()).select_from(Task)) == 500
        assert count(select(func.count()).where(Task.status == "open")) == 62
        states = session.scalars(select(BusinessDay.state).order_by(BusinessDay.starts_at)).all()
        assert states == ["paid"] * 4 + ["open"]
        assert set(session.scalars(select(PayoutLetter.state))) == {"sent"}
        drawn = count(select(func.sum(Task.assignment))) or 0
        assert 1.6 < drawn / 500 < 1.95
        head = session.execute(select(log_head)).one()
        assert head.position == head.floor == made.events
        tells_the_same(session)
    assert "behind" in said(app, "events", "status")


def tells_the_same(session: Session) -> None:
    """Tasks, accounting and analytics have the same figures, each in its own tables."""
    fees = select(func.sum(Entry.amount_cents)).where(Entry.kind == "fee")
    due = select(-func.sum(Task.fee_cents * Task.assignment))
    assert session.scalar(fees) == session.scalar(due)
    rewards = select(func.sum(Entry.amount_cents)).where(Entry.kind == "reward")
    done = select(func.sum(Task.reward_cents)).where(Task.reward_entry_no.is_not(None))
    assert session.scalar(rewards) == session.scalar(done)
    balances = dict(session.execute(select(Account.person_id, Account.balance_cents)).all())
    known = session.execute(select(Known.person_id, Known.balance_cents)).all()
    assert {who: cents for who, cents in known if who in balances} == balances


@both
def test_the_ordinary_system_goes_on_with_it(
    app: Flask, database: Database, made: bulk.Made, at: At, drain: Callable[[], None]
) -> None:
    with at("2026-03-11T12:30+00:00"), app.app_context():
        with transaction("tasks") as session:
            manager = session.scalars(select(Assignee.id).where(Assignee.role == "manager")).first()
            assert manager is not None
            fresh = service.create_task(session, Wording("Ring the new parrot"), by=manager)
            assert fresh.number == 501
            service.shuffle_open_tasks(session, by=manager)
        with transaction("tasks") as session:
            for task in session.scalars(select(Task).where(Task.status == "open").limit(20)).all():
                service.complete_task(session, task.number, by=task.assignee_id)
        drain()
    proven(app)
    with at("2026-03-12T00:10+00:00"):
        paid = said(app, "accounting", "payout")
        assert "2026-03-11 paid" in paid
    drain()
    proven(app)
    letters = app.test_cli_runner().invoke(args=("ops", "reconcile", "--days", "5"))
    assert "Nothing differs, and something is on its way: 5 days." in letters.output
    what_is_lost_since_is_missed(app, database)


def what_is_lost_since_is_missed(app: Flask, database: Database) -> None:
    """The log begins behind the story: what was said afterwards is compared with the books."""
    with database.transaction() as session:
        block = select(func.max(event_log.c.position)).where(
            event_log.c.type == "accounting.entries_posted"
        )
        session.execute(delete(event_log).where(event_log.c.position == block.scalar_subquery()))
        session.execute(delete(event_log).where(event_log.c.type == "tasks.task_completed"))
        oldest = update(event_log).values(recorded_at=datetime.fromisoformat(NOON))
        session.execute(oldest.where(event_log.c.type == "tasks.task_created"))
    done = app.test_cli_runner().invoke(args=["accounting", "verify", "--full"])
    assert done.exit_code == 4
    assert done.output.count("no event of the log is behind it") == 20
    assert "were said" in done.output


def test_a_company_that_is_interrupted_is_not_there(app: Flask, database: Database) -> None:
    def pull_the_plug(what: str, done: int, of: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with app.app_context(), pytest.raises(KeyboardInterrupt):
        bulk.make(SIZE, pull_the_plug)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 0
        assert session.scalar(select(func.count()).select_from(BusinessDay)) == 0


# --- the story ------------------------------------------------------------------------------------


def story() -> Iterator[tuple[Any, ...]]:
    """All that happens, in order."""
    with ids.seeded(7):
        for day in Chronicle(SIZE, ZoneInfo("UTC"), datetime.fromisoformat(NOON)).chapters():
            yield from told(day)


def told(day: Chapter) -> Iterator[tuple[Any, ...]]:
    for fact in (fact for page in day.pages for fact in page):
        match fact:
            case Job():
                yield "done", fact.number, fact.done_at
            case Draw():
                yield "drawn", fact.job.id, fact.number, fact.person, fact.at
            case Press():
                yield "shuffled", fact.number, fact.tasks, fact.moved, fact.at


def test_the_story_repeats_itself() -> None:
    assert list(story()) == list(story())


def test_the_story_goes_forward_and_ends_before_now() -> None:
    moments = [fact[-1] for fact in story()]
    assert moments == sorted(moments)
    assert moments[-1] <= datetime.fromisoformat(NOON).timestamp() * 1_000_000


def shape(database: Database) -> dict[str, Any]:
    """Guards, keys, references and indexes of every table."""
    guards = "SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    if not database.is_sqlite:
        guards = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
    with database.reading() as session:
        found = inspect(session.connection())
        return {"guards": list(session.scalars(text(guards)))} | {
            table: (
                found.get_pk_constraint(table)["constrained_columns"],
                sorted(str(key["column_names"]) for key in found.get_unique_constraints(table)),
                sorted(str(key["constrained_columns"]) for key in found.get_foreign_keys(table)),
                sorted((str(key["name"]), key["column_names"]) for key in found.get_indexes(table)),
            )
            for table in found.get_table_names()
            if "_" in table and table.partition("_")[0] in PARTS
        }
