"""One id from the click to the letter: on a page, on a terminal, in the events and the letters."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from ates.auth.models import Letter
from ates.kernel import mail
from ates.kernel.db import Database
from ates.kernel.delivery import Drain
from ates.kernel.tables import event_log
from tests.engines.marks import both
from tests.engines.people import Visitor

SignIn = Callable[..., Visitor]
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """`flask events chain …`."""
    runner = app.test_cli_runner()

    def call(*words: str) -> Result:
        return runner.invoke(args=["events", "chain", *words])

    return call


@pytest.fixture
def polly(sign_in: SignIn, drain: Callable[[], None]) -> Visitor:
    """An admin who writes down a task; the lot has somebody to give it to."""
    sign_in("employee", name="Kesha")
    admin = sign_in("admin", name="Polly")
    drain()
    return admin


def created(polly: Visitor) -> str:
    """A task through the form; the id of the request that made it."""
    answer = polly.submit("/tasks/new", "/tasks/", title="Count the parrots")
    assert answer.status_code == 303, answer.text
    return answer.headers["X-Request-Id"]


def acts(run: Run, *words: str) -> list[dict[str, Any]]:
    answer = run(*words, "--json")
    assert answer.exit_code == 0, answer.output
    return list(json.loads(answer.output)["clicks"])


@both
def test_a_task_is_followed_from_the_click_to_its_entry(
    polly: Visitor, run: Run, drain: Callable[[], None], database: Database
) -> None:
    click = created(polly)
    (act,) = acts(run, "--task", "1")
    assert (act["id"], act["actor"]) == (click, str(polly.person))
    assert [link["type"] for link in act["links"]] == ["tasks.task_created", "tasks.task_assigned"]
    assert {link["position"] for link in act["links"]} == {None}, "staged"
    assert all(each["state"] == "waiting" for link in act["links"] for each in link["heard"])
    drain()
    (act,) = acts(run, "--task", "1")
    links = {link["type"]: link for link in act["links"]}
    (entry,) = links["tasks.task_assigned"]["made"]
    assert entry["sentence"] == "Entry %(number)s: fee"
    assert {each["state"] for link in act["links"] for each in link["heard"]} == {"handled"}
    posted = links["accounting.entries_posted"]
    assert posted["depth"] == 1, "told because of it"
    assert "analytics" in {each["consumer"] for each in posted["heard"]}


@both
def test_any_id_of_a_chain_finds_it(
    polly: Visitor, run: Run, drain: Callable[[], None], database: Database
) -> None:
    click = created(polly)
    drain()
    with database.reading() as session:
        event = session.scalar(
            select(event_log.c.event_id).where(event_log.c.type == "tasks.task_assigned")
        )
    by_click = acts(run, "--correlation", click)
    assert by_click == acts(run, "--event", str(event))
    assert [each["id"] for each in by_click] == [click]
    assert "accounting handled" in run("--correlation", click).output
    assert run("--correlation", "00000000-0000-7000-8000-000000000000").exit_code == 5
    assert run("--correlation", "x' or 1=1").exit_code == 2
    assert run("--task", "77").exit_code == 5
    assert run().exit_code == 2


def test_a_parked_and_an_unread_event_are_seen_as_such(
    polly: Visitor, run: Run, app: Flask, database: Database
) -> None:
    created(polly)
    with app.app_context():
        Drain(database, app.extensions["ates.inboxes"]["analytics"]).run()
    with database.reading() as session:
        position = session.scalar(
            select(event_log.c.position).where(event_log.c.type == "tasks.task_assigned")
        )
    park = ["park", "--consumer=accounting", "--by=me", "--reason=the bird has flown"]
    app.test_cli_runner().invoke(args=["events", *park, str(position)])
    (act,) = acts(run, "--task", "1")
    heard = {link["type"]: link["heard"] for link in act["links"]}
    assert heard["tasks.task_created"] == [{"consumer": "accounting", "state": "waiting"}]
    assert heard["tasks.task_assigned"] == [{"consumer": "accounting", "state": "dead"}]


def test_an_invitation_carries_the_id_of_the_click(
    polly: Visitor, run: Run, app: Flask, database: Database
) -> None:
    answer = polly.submit(
        "/auth/people/new", email="kiki@popug.example", name="Kiki", role="employee"
    )
    assert answer.status_code == 303, answer.text
    click = answer.headers["X-Request-Id"]
    with database.reading() as session:
        assert session.scalars(select(Letter.correlation_id)).all()[-1] == click
    with app.app_context():
        mail.send_due()
    folder = app.extensions["ates.config"].mail_folder
    (letter,) = [path.read_text() for path in folder.glob("*.eml")]
    assert f"X-Correlation-Id: {click}" in letter
    (act,) = acts(run, "--correlation", click)
    assert [link["type"] for link in act["links"]] == ["auth.person_registered"]
    assert [(each["sentence"], each["state"]) for each in act["made"]] == [
        ("Letter of invitation", "sent")
    ]
    assert "kiki@" not in json.dumps(act)


def test_the_page_shows_the_chain_to_admins(
    polly: Visitor, sign_in: SignIn, drain: Callable[[], None]
) -> None:
    click = created(polly)
    drain()
    assert "/ops/chain?task=1" in polly.get("/tasks/1").text
    for asked in ("task=1", f"id={click}", "id=1"):
        page = polly.get(f"/ops/chain?{asked}").text
        assert f"Request {click}" in page
        assert "tasks.task_assigned" in page
        assert "/accounting/entries/1" in page
        assert "accounting.entries_posted" in page
    for asked in ("", "?task=99", "?id=what", "?id=00000000-0000-7000-8000-000000000000"):
        answer = polly.get(f"/ops/chain{asked}")
        assert answer.status_code == 200
        assert ("Nothing is known of it." in answer.text) == bool(asked)
    manager = sign_in("manager")
    assert manager.get("/ops/chain?task=1").status_code == 403
    assert "/ops/chain" not in manager.get("/tasks/1").text


@both
def test_events_are_found_by_an_index(polly: Visitor, database: Database) -> None:
    place = "instr" if database.is_sqlite else "strpos"
    for name in ("correlation", "causation"):
        mark = f'\'"{name}id": "\''
        query = (
            f"SELECT position FROM event_log WHERE {place}(meta, {mark}) > 0"
            f" AND substr(meta, {place}(meta, {mark}) + {len(mark) - 2}, 36) IN ('x', 'y')"
        )
        with database.reading() as session:
            if not database.is_sqlite:
                session.execute(text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
            plan = session.connection().exec_driver_sql(explain + query).all()
        assert f"ix_event_log_{name}" in str(plan)
