"""What machines are told: readiness, figures for Prometheus, the status for programs."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import select, update

from ates.contracts.auth import Role
from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.delivery import STORM
from ates.kernel.life import Life
from ates.kernel.sweep import EventSweep
from ates.kernel.tables import consumer, parked
from ates.ops import strain
from tests.engines.marks import both, only_postgresql
from tests.engines.people import Visitor

from . import poison

AWAY = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def swept(app: Flask) -> Callable[[], None]:
    """`swept()`: an events worker looks once, and shows that it lives."""
    database = app.extensions["ates.database"]

    def look() -> None:
        with app.app_context():
            EventSweep(database, list(app.extensions["ates.inboxes"].values()))()
        Life(database, "events", "0.1.0").beat()

    return look


def ready(client: Visitor, path: str = "/readyz") -> tuple[int, list[str]]:
    answer = client.get(path)
    assert answer.mimetype == "application/json"
    told: dict[str, Any] = json.loads(answer.text)
    assert told["ready"] is (answer.status_code == 200)
    return answer.status_code, told["reasons"]


def figures(client: Visitor) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (
            sample.name,
            *(value for name, value in sorted(sample.labels.items()) if name != "process"),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@both
def test_ready_means_that_all_is_well(client: Visitor, swept: Callable[[], None]) -> None:
    assert ready(client) == (503, ["No events worker has looked yet."])
    assert ready(client, "/readyz?for=pages") == (200, [])
    swept()
    assert ready(client) == ready(client, "/healthz") == (200, [])


def test_ready_tells_a_worker_that_is_gone(client: Visitor, swept: Callable[[], None]) -> None:
    swept()
    with clock.frozen(clock.now() + timedelta(seconds=45)):
        status, reasons = ready(client)
    assert status == 503
    assert reasons[0].startswith("No events worker has looked for 4")


def test_ready_tells_dead_paused_held_and_standing_still(
    app: Flask, client: Visitor, swept: Callable[[], None], database: Database
) -> None:
    swept()
    poison.write_tasks(app)
    poison.drain(app)
    poison.hold_one(app)
    poison.pause(app, "accounting")
    poison.write_tasks(app)
    poison.drain(app, "tasks")
    with database.transaction() as session:
        session.execute(update(consumer).values(moved_at=None))
    with clock.frozen(clock.now() + timedelta(seconds=61)):
        reasons = ready(client)[1]
    assert "Events held before they were numbered: 1." in reasons
    assert "accounting is paused." in reasons
    assert any(each.startswith("analytics does not move;") for each in reasons)


@both
def test_ready_tells_events_that_nobody_numbers(
    app: Flask, client: Visitor, swept: Callable[[], None]
) -> None:
    swept()
    poison.write_tasks(app)
    assert ready(client) == (200, [])
    with clock.frozen(clock.now() + timedelta(seconds=12)):
        status, reasons = ready(client)
    assert status == 503
    assert reasons[0].startswith("Events wait for their number for 1")


@both
def test_ready_tells_what_fails_for_a_quarter_of_an_hour(
    app: Flask, client: Visitor, swept: Callable[[], None], database: Database
) -> None:
    poison.write_tasks(app, 2)
    with poison.broken(app, "accounting"):
        poison.drain(app, "accounting")
    swept()
    assert ready(client) == (200, [])
    with database.transaction() as session:
        session.execute(
            update(parked)
            .where(parked.c.first_failed_at.is_not(None))
            .values(first_failed_at=clock.now() - timedelta(minutes=16))
        )
    assert ready(client) == (503, ["accounting fails with an event for 16 min."])


def test_ready_tells_the_storm_brake_at_once(
    app: Flask, client: Visitor, swept: Callable[[], None]
) -> None:
    swept()
    poison.write_tasks(app, STORM + 1)
    with poison.broken(app, "accounting"):
        swept()
    assert "accounting cannot go on; `flask events status` says why." in ready(client)[1]
    swept()
    assert ready(client) == (200, [])


def test_ready_tells_a_wal_that_grows(
    client: Visitor, swept: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    swept()
    assert figures(client)["ates_sqlite_wal_bytes",] > 0
    monkeypatch.setattr(strain, "WAL", 1)
    assert ready(client)[1][0].startswith("The WAL has grown to")


@only_postgresql
def test_ready_tells_a_transaction_that_writes_for_too_long(
    app: Flask,
    client: Visitor,
    swept: Callable[[], None],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swept()
    monkeypatch.setattr(strain, "WRITING", 0.0)
    with database.transaction() as other:
        other.execute(update(consumer).values(last_error=None))
        assert ready(client)[1][0].startswith("A transaction that writes is open for 0 s.")
        assert figures(client)["ates_postgresql_oldest_writer_seconds",] > 0
    with database.transaction() as other:
        other.execute(select(consumer))  # only reads, as long checks do
        assert ready(client) == (200, [])


def test_a_database_that_is_away_is_told_and_the_process_lives(
    app: Flask, client: Visitor, tmp_path: Path
) -> None:
    gone = Database(f"sqlite:///{tmp_path / 'gone' / 'x.sqlite3'}", unsafe=True)
    app.extensions["ates.database"] = gone
    assert ready(client) == (503, ["The database does not answer."])
    assert ready(client, "/readyz?for=pages")[0] == 503
    assert client.get("/livez").text == "alive\n"
    assert figures(client)["ates_database_up",] == 0


def test_a_database_without_todays_tables_is_not_ready(
    app: Flask, client: Visitor, tmp_path: Path
) -> None:
    (tmp_path / "empty.sqlite3").touch()
    app.extensions["ates.database"] = Database(
        f"sqlite:///{tmp_path / 'empty.sqlite3'}", unsafe=True
    )
    status, reasons = ready(client, "/healthz")
    assert status == 503
    assert "The database is at version none" in reasons[0]


def test_figures_parse_and_say_what_is(
    app: Flask, client: Visitor, swept: Callable[[], None]
) -> None:
    poison.write_tasks(app, 2)
    with poison.broken(app, "accounting"):
        poison.drain(app, "accounting")
    swept()
    client.get("/nowhere/at/all")
    client.open("/livez", method="BREW")
    found = figures(client)
    assert found["ates_parked_events", "accounting", "retry"] == 2
    assert found["ates_parked_events", "accounting", "blocked"] == 2
    assert found["ates_consumer_lag_events", "tasks"] == 0
    assert found["ates_workers_alive", "events"] == 1
    assert found["ates_workers_alive", "mail"] == 0
    assert found["ates_database_up",] == found["ates_healthy",] == 1
    assert found["ates_http_requests_total", "none", "GET", "404"] == 1
    assert found["ates_http_requests_total", "none", "other", "405"] == 1
    assert found["ates_sweep_age_seconds",] < 10


def test_figures_are_for_this_machine_and_for_admins(
    app: Flask, client: Visitor, sign_in: Callable[..., Visitor], api: Callable[..., Visitor]
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base=AWAY).status_code == 303
    proxied = {"X-Forwarded-For": "192.0.2.7"}
    assert client.get("/metrics", headers=proxied).status_code == 303
    assert sign_in("manager").get("/metrics", environ_base=AWAY).status_code == 403
    assert sign_in("admin").get("/metrics", environ_base=AWAY).status_code == 200
    assert api("admin").get("/api/v1/ops/metrics", environ_base=AWAY).status_code == 200
    assert api("manager").get("/api/v1/ops/metrics", environ_base=AWAY).status_code == 403


@pytest.mark.parametrize("role", Role)
def test_the_status_is_for_admins(api: Callable[..., Visitor], role: Role) -> None:
    wanted = 200 if role is Role.ADMIN else 403
    assert api(role).get("/api/v1/ops/status").status_code == wanted


@both
def test_the_status_says_the_same_to_programs_and_in_the_shell(
    app: Flask, api: Callable[..., Visitor], swept: Callable[[], None]
) -> None:
    admin = api("admin")
    poison.write_tasks(app)
    with poison.broken(app, "accounting"):
        poison.drain(app, "accounting")
    swept()
    told = admin.get("/api/v1/ops/status").json
    runner = app.test_cli_runner()
    done = runner.invoke(args=["ops", "status", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output) == told
    assert told["healthy"] is True
    assert told["outbox"] == 0
    lines = {each["name"]: each for each in told["consumers"]}
    assert lines["accounting"] == {
        "name": "accounting",
        "position": told["log_head"],
        "lag_events": 0,
        "lag_seconds": 0.0,
        "parked": 1,
        "blocked": 1,
        "dead": 0,
    }
    assert told["books"] == {"checked_at": None, "ok": None}
    assert told["letters"].keys() == {"queued", "sending", "sent", "failed", "unknown"}
    assert "Healthy." in runner.invoke(args=["ops", "status"]).output
