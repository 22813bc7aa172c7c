"""`flask ops doctor` and `flask ops verify`: green on an honest house, red on planted faults."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from ates.config import Config
from ates.kernel import clock
from ates.kernel.db import Database
from tests.engines.marks import both
from tests.engines.people import Visitor

from . import poison

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """`run("doctor")`: the command in the application."""
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["ops", *words])


def lines(run: Run) -> dict[str, str]:
    told: dict[str, Any] = json.loads(run("doctor", "--json").output)
    return {each["name"]: each["state"] for each in told["lines"]}


# --- doctor ---------------------------------------------------------------------------------------


@both
def test_the_doctor_lets_a_sound_installation_start(run: Run) -> None:
    done = run("doctor")
    assert done.exit_code == 0, done.output
    assert "FAILED" not in done.output
    assert lines(run)["schema"] == lines(run)["clock"] == "ok"
    assert json.loads(run("doctor", "--json").output)["ok"] is True


def test_the_doctor_refuses_keys_that_others_can_read(run: Run, config: Config) -> None:
    folder = config.data / "secrets"
    folder.mkdir(exist_ok=True)
    (folder / "secret_key").write_text("x")
    (folder / "secret_key").chmod(0o644)
    assert lines(run)["secret_key"] == "failed"
    assert run("doctor").exit_code == 78
    (folder / "secret_key").chmod(0o600)
    assert lines(run)["secret_key"] == "ok"


def test_the_doctor_refuses_a_database_file_that_others_can_read(
    run: Run, database: Database
) -> None:
    path = Path(database.url.database or "")
    path.chmod(0o644)
    assert lines(run)["SQLite file"] == "failed"
    path.chmod(0o600)
    assert "SQLite file" not in lines(run)


def test_the_doctor_refuses_a_debugger_in_production(
    run: Run, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "debug" not in lines(run)
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert lines(run)["debug"] == "warn"
    object.__setattr__(config, "env", "production")
    assert lines(run)["debug"] == "failed"


def test_the_doctor_refuses_another_schema(run: Run, database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert lines(run)["schema"] == "failed"
    with database.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert run("doctor").exit_code == 78


def test_the_doctor_refuses_a_clock_behind_what_has_happened(app: Flask, run: Run) -> None:
    poison.write_tasks(app)
    poison.drain(app)
    with clock.frozen(clock.now() - timedelta(minutes=5)):
        assert lines(run)["clock"] == "failed"


def test_the_doctor_refuses_pragmas_that_are_off(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ates.kernel.durable.PRAGMAS", ("journal_mode = WAL", "foreign_keys = OFF"))
    database.close()  # new connections are set up anew
    found = lines(run)
    assert found["SQLite foreign_keys"] == found["SQLite recursive_triggers"] == "failed"


@pytest.mark.parametrize("backend", ["postgresql"])
def test_the_doctor_refuses_postgresql_settings(run: Run, database: Database) -> None:
    with database.transaction() as session:
        name = session.scalar(text("SELECT current_database()"))
        session.execute(
            text(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'")
        )
    database.close()
    assert lines(run)["PostgreSQL default_transaction_isolation"] == "failed"


def test_what_is_away_is_a_warning(app: Flask, run: Run, config: Config, tmp_path: Path) -> None:
    app.extensions["ates.database"] = Database(f"sqlite:///{tmp_path / 'no' / 'x'}", unsafe=True)
    object.__setattr__(config, "redis_url", "redis://127.0.0.1:1/0")
    found = lines(run)
    assert found["database"] == found["Redis"] == "warn"
    assert run("doctor").exit_code == 0


@pytest.mark.usefixtures("smtp")
def test_a_mail_server_that_is_away_is_a_warning(run: Run, config: Config) -> None:
    object.__setattr__(config, "smtp_url", "smtp://127.0.0.1:1")
    assert lines(run)["mail"] == "warn"


def test_the_doctor_wants_a_data_folder(run: Run, config: Config, tmp_path: Path) -> None:
    object.__setattr__(config, "data", tmp_path / "nowhere")
    assert lines(run)["data folder"] == "failed"


# --- verify ---------------------------------------------------------------------------------------

PLANTS = {
    "events": "UPDATE log_head SET position = position + 1",
    "auth": "UPDATE auth_person SET active = {no} WHERE role = 'admin'",
    "accounting": "UPDATE accounting_account SET balance_cents = balance_cents + 1",
}


@pytest.fixture
def company(app: Flask, sign_in: Callable[..., Visitor], drain: Callable[[], None]) -> Visitor:
    """An admin, somebody in the lot, two tasks, everything heard."""
    admin = sign_in("admin")
    poison.write_tasks(app, 2)
    drain()
    return admin


@both
def test_an_honest_company_is_clean_and_the_pages_say_when(company: Visitor, run: Run) -> None:
    for level in ("--quick", "--full"):
        done = run("verify", level)
        assert (done.exit_code, done.output.startswith("All holds (events, ")) == (0, True), (
            done.output
        )
    assert json.loads(run("verify", "--json").output)["parts"]["accounting"] == []
    page = company.get("/ops/").text
    assert page.count(">holds<") + page.count("holds</span>") >= 4
    told = json.loads(run("status", "--json").output)
    assert told["books"]["ok"] is True


@pytest.mark.parametrize("part", PLANTS)
def test_a_planted_difference_is_found(
    app: Flask, company: Visitor, run: Run, database: Database, part: str
) -> None:
    with database.transaction() as session:
        session.execute(text(PLANTS[part].format(no=0)))
    done = run("verify", "--full", "--json")
    assert done.exit_code == 4
    found = {name for name, said in json.loads(done.output)["parts"].items() if said}
    assert part in found
    with database.reading() as session:
        row = session.execute(
            text("SELECT ok, differences FROM ops_check WHERE part = :part"), {"part": part}
        ).one()
    assert (bool(row.ok), row.differences > 0) == (False, True)


def test_a_check_that_cannot_run_says_so(app: Flask, run: Run, tmp_path: Path) -> None:
    app.extensions["ates.database"] = Database(f"sqlite:///{tmp_path / 'no' / 'x'}", unsafe=True)
    done = run("verify")
    assert done.exit_code == 1
    assert "The database does not answer" in done.output
