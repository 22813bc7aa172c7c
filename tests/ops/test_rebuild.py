"""`flask events rebuild` and `swap`: read models made anew while the old ones serve (R21)."""

import json
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import insert, select, update

from ates.analytics.models import Person
from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.delivery import Drain, ensure_consumers
from ates.kernel.rebuild import Rebuild
from ates.kernel.sweep import EventSweep
from ates.kernel.tables import consumer, log_head, parked
from tests.engines.marks import both
from tests.engines.people import Visitor
from tests.ops import killed
from tests.ops.books import PEOPLE, Author, figures, modes

Run = Callable[..., Result]
WHY = "--reason=the bird has flown"
USUAL = ("a batch", "the swap")
STEPS = [
    pytest.param(step, marks=() if step in USUAL else pytest.mark.proof) for step in killed.STEPS
]


@pytest.fixture
def author(app: Flask) -> Author:
    """A log with people and a ledger."""
    made = Author(app)
    made.blocks(12)
    return made


@pytest.fixture
def run(app: Flask) -> Run:
    """`flask events …`."""
    runner = app.test_cli_runner()

    def call(*words: str) -> Result:
        return runner.invoke(args=["events", *words])

    return call


@pytest.fixture
def rebuild(app: Flask, database: Database) -> Rebuild:
    return Rebuild(database, app.extensions["ates.inboxes"]["analytics"])


@both
def test_a_rebuild_gives_the_same_rows_and_takes_over(
    author: Author, run: Run, database: Database, drain: Callable[[], None], rebuild: Rebuild
) -> None:
    drain()
    before = figures(database, "analytics")
    assert before["analytics_person_day"]
    answer = run("rebuild", "analytics", "--wait", "--json")
    report = json.loads(answer.output)
    assert (report["caught_up"], report["differing"], report["failed"]) == (True, 0, 0)
    assert figures(database, "analytics@2") == before
    assert modes(database) == {"analytics": "live", "analytics@2": "rebuild"}
    assert run("swap", "analytics").output == (
        "analytics@2 is live; analytics is retired, its rows go later.\n"
    )
    assert modes(database) == {"analytics": "retired", "analytics@2": "live"}
    author.blocks(2)
    drain()
    assert len(figures(database, "analytics@2")["analytics_head"]) == 1
    assert figures(database, "analytics@2") != before, "it is the one that goes on"
    assert figures(database, "analytics") == before
    assert not rebuild.work(seconds=20)
    assert modes(database) == {"analytics@2": "live"}
    assert not any(figures(database, "analytics").values())


def test_the_page_goes_on_and_shows_the_new_generation_after_the_swap(
    author: Author,
    run: Run,
    database: Database,
    drain: Callable[[], None],
    sign_in: Callable[..., Visitor],
) -> None:
    admin = sign_in("admin")
    drain()
    with database.transaction() as session:  # as a handler's mistake would have left it
        people = update(Person).where(Person.person_id.in_(PEOPLE))
        session.execute(people.values(balance_cents=-12_345_00))
    assert run("rebuild", "analytics", "--wait").exit_code == 0
    assert admin.get("/analytics/").status_code == 200
    assert "6 rows differ" in run("status").output, "each changed row is two that differ"
    assert run("swap", "analytics").exit_code == 0
    assert admin.get("/analytics/").status_code == 200
    with database.reading() as session:
        wrong = select(Person.person_id).where(
            Person.generation == 2, Person.balance_cents == -12_345_00
        )
        assert session.execute(wrong).all() == []


def test_nothing_makes_the_first_generation_again(
    app: Flask, author: Author, run: Run, database: Database, rebuild: Rebuild
) -> None:
    run("rebuild", "analytics", "--and-swap")
    rebuild.work(seconds=20)
    ensure_consumers(database, list(app.extensions["ates.inboxes"].values()))
    assert modes(database) == {"analytics@2": "live"}
    run("rebuild", "analytics", "--and-swap")
    assert modes(database)["analytics@3"] == "live"


@both
def test_a_rebuild_under_load_equals_what_is_live(
    app: Flask, author: Author, run: Run, database: Database
) -> None:
    """Somebody writes, a worker delivers, the command rebuilds and swaps; no event is lost."""
    author.blocks(30)
    done = threading.Event()
    threads = [
        threading.Thread(target=_write, args=(author, done)),
        threading.Thread(target=_work, args=(app, done)),
    ]
    for each in threads:
        each.start()
    try:
        answer = run("rebuild", "analytics", "--and-swap")
    finally:
        done.set()
        for each in threads:
            each.join(30)
    assert answer.exit_code == 0, answer.output
    inbox = app.extensions["ates.inboxes"]["analytics"]
    with app.app_context():
        Drain(database, inbox).run()
    assert modes(database)["analytics@2"] == "live"
    rebuild = Rebuild(database, inbox)
    assert rebuild.begin()
    rebuild.fill()
    assert figures(database, "analytics@3") == figures(database, "analytics@2")
    entries = figures(database, "analytics@2")["analytics_head"][0]
    assert len(author.ledger.entries) in entries


def _write(author: Author, done: threading.Event) -> None:
    while not done.is_set():
        author.blocks(3)
        done.wait(0.1)


def _work(app: Flask, done: threading.Event) -> None:
    with app.app_context():
        look = EventSweep(
            app.extensions["ates.database"], list(app.extensions["ates.inboxes"].values())
        )
        look.stop = done.is_set
        while not done.is_set():
            look()


@both
@pytest.mark.parametrize("step", STEPS)
def test_killed_with_9_anywhere_it_goes_on(
    author: Author, database: Database, drain: Callable[[], None], step: str
) -> None:
    drain()
    before = figures(database, "analytics")
    victim = killed.start(str(database.url), step)
    victim.join(30)
    assert victim.exitcode == -signal.SIGKILL
    last = killed.start(str(database.url), "")
    last.join(30)
    assert last.exitcode == 0
    assert modes(database) == {"analytics@2": "live"}
    assert figures(database, "analytics@2") == before
    assert not any(figures(database, "analytics").values())


@both
def test_the_worker_fills_it_while_nothing_else_is_to_do(
    app: Flask, author: Author, run: Run, database: Database
) -> None:
    with app.app_context():
        look = EventSweep(database, list(app.extensions["ates.inboxes"].values()))
        look()
        answer = run("rebuild", "analytics")
        assert "begins while analytics serves" in answer.output
        assert "0 of " in answer.output, "a worker runs, so the command leaves it to do the work"
        author.blocks(3)
        look()
    assert "has caught up" in run("status").output
    assert figures(database, "analytics@2") == figures(database, "analytics")


def test_where_no_worker_runs_the_command_fills_it(author: Author, run: Run) -> None:
    assert "has caught up" in run("rebuild", "analytics").output


@both
def test_two_commands_at_once_make_one_generation(
    app: Flask, author: Author, database: Database, drain: Callable[[], None]
) -> None:
    drain()
    answers: list[Result] = []

    def call() -> None:
        runner = app.test_cli_runner()
        answers.append(runner.invoke(args=["events", "rebuild", "analytics", "--wait"]))

    threads = [threading.Thread(target=call) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert [answer.exit_code for answer in answers] == [0, 0], [each.output for each in answers]
    assert modes(database) == {"analytics": "live", "analytics@2": "rebuild"}
    assert figures(database, "analytics@2") == figures(database, "analytics")


def test_swap_twice_and_without_a_rebuild_is_refused_in_words(author: Author, run: Run) -> None:
    run("rebuild", "analytics", "--wait")
    assert run("swap", "analytics").exit_code == 0
    for words in (("swap", "analytics"), ("rebuild", "analytics", "--abandon")):
        answer = run(*words)
        assert answer.exit_code == 1
        assert "analytics is not being rebuilt; analytics@2 is live" in answer.output


def test_what_is_no_read_model_is_not_rebuilt(author: Author, run: Run) -> None:
    answer = run("rebuild", "accounting")
    assert answer.exit_code == 1
    assert "accounting keeps books of its own and is not rebuilt" in answer.output
    assert "There is no consumer nobody" in run("rebuild", "nobody").output


def test_a_pruned_log_and_a_paused_consumer_refuse(
    author: Author, run: Run, database: Database, drain: Callable[[], None]
) -> None:
    drain()
    with database.transaction() as session:
        session.execute(update(log_head).values(floor=1))
    assert "The log was pruned up to 1" in run("rebuild", "analytics").output
    with database.transaction() as session:
        session.execute(update(log_head).values(floor=0))
        session.execute(update(consumer).values(mode="paused", last_error="a hole"))
    assert "analytics is paused: a hole" in run("rebuild", "analytics").output


def test_an_abandoned_rebuild_leaves_nothing(
    author: Author, run: Run, database: Database, drain: Callable[[], None], rebuild: Rebuild
) -> None:
    drain()
    run("rebuild", "analytics", "--wait")
    assert run("rebuild", "analytics", "--abandon").output == (
        "analytics@2 is given up; its rows go later.\n"
    )
    assert not rebuild.work(seconds=20)
    assert modes(database) == {"analytics": "live"}
    assert not any(figures(database, "analytics@2").values())
    assert any(figures(database, "analytics").values())


def test_old_rows_go_a_thousand_at_a_time(
    author: Author, run: Run, database: Database, drain: Callable[[], None], rebuild: Rebuild
) -> None:
    drain()
    run("rebuild", "analytics", "--and-swap")
    row = {"version": 1, "balance_cents": 0, "entries": 0, "generation": 1}
    with database.transaction() as session:
        session.execute(
            insert(Person),
            [{**row, "person_id": f"00000000-0000-7000-8000-{n:012}"} for n in range(2500)],
        )
    gone = []
    while found := rebuild.clear():
        gone.append(found)
    assert max(gone) == 1000
    assert sum(gone) > 2500


def _set_aside(run: Run, position: int, *names: str) -> None:
    for name in names:
        answer = run("park", str(position), f"--consumer={name}", "--by=me", WHY)
        assert answer.exit_code == 0, answer.output


def test_what_was_skipped_stays_skipped_in_the_new_generation(
    author: Author, run: Run, database: Database, drain: Callable[[], None]
) -> None:
    with database.reading() as session:
        assert session.scalar(select(log_head.c.position)) == 0
    from_staging(database, author.app)
    _set_aside(run, 2, "analytics")
    run("skip", "--consumer=analytics", "--position=2", "--by=me", WHY)
    drain()
    report = json.loads(run("rebuild", "analytics", "--wait", "--json").output)
    assert report["differing"] == 0, "the second person has no name in both"
    names = [row[1] for row in figures(database, "analytics@2")["analytics_person"]]
    assert sorted(str(name) for name in names) == ["None", "Popug 0", "Popug 2"]


def test_what_is_skipped_meanwhile_is_carried_over_by_the_swap(
    author: Author, run: Run, database: Database, drain: Callable[[], None], rebuild: Rebuild
) -> None:
    from_staging(database, author.app)
    rebuild.begin()
    _set_aside(run, 2, "analytics", "analytics@2")
    run("skip", "--consumer=analytics", "--position=2", "--by=me", WHY)
    assert run("swap", "analytics").exit_code == 0
    with database.reading() as session:
        (row,) = session.execute(select(parked).where(parked.c.consumer == "analytics@2")).all()
    assert (row.status, row.decided_by, row.reason) == ("skipped", "me", "the bird has flown")


def test_a_new_generation_that_fails_where_the_old_did_not_is_not_swapped_in(
    author: Author, run: Run, database: Database, rebuild: Rebuild
) -> None:
    from_staging(database, author.app)
    rebuild.begin()
    _set_aside(run, 2, "analytics@2")
    answer = run("swap", "analytics")
    assert answer.exit_code == 1
    assert "analytics@2 fails at 1 events that analytics has handled, first at 2" in answer.output
    assert modes(database)["analytics"] == "live"
    run("retry", "--consumer=analytics@2", "--position=2", "--by=me")
    assert run("swap", "analytics").exit_code == 0
    assert figures(database, "analytics@2") == figures(database, "analytics")


def from_staging(database: Database, app: Flask) -> None:
    """Number the events, and let nobody hear them yet."""
    Drain(database, app.extensions["ates.inboxes"]["accounting"]).run()


def test_a_rebuild_is_no_illness(
    author: Author, run: Run, drain: Callable[[], None], rebuild: Rebuild
) -> None:
    drain()
    rebuild.begin()
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        assert run("status").exit_code == 0
    found: dict[str, Any] = json.loads(run("status", "--json").output)
    assert found["healthy"]
    assert found["rebuilds"][0]["name"] == "analytics@2"
    assert found["rebuilds"][0]["differing"] is None, "they are not compared before they meet"
