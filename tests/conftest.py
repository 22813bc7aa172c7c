"""The fixtures all tests share. Engines are started once per run, databases copied per test."""

import gc
import os
import smtplib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis
from jinja2 import FileSystemBytecodeCache
from playwright.sync_api import Browser
from sqlalchemy.orm import Session

from ates.app import create_app
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel import bus, clock, delivery
from ates.kernel.db import Database

from .engines import addresses, chromium, company, people, postgres, run, sqlite, wake
from .engines import house as houses
from .engines.house import House
from .engines.people import Visitor
from .engines.settings import trial
from .engines.smtp import MailServer

hypothesis.register_profile(
    "normal",
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis.register_profile(
    "proof", hypothesis.get_profile("normal"), max_examples=500, stateful_step_count=60
)


# --- the run --------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Before any worker of xdist starts: the folder they share. `-m proof` looks much harder."""
    usual = "proof" if config.option.markexpr == "proof" else "normal"
    hypothesis.load_profile(os.environ.get("ATES_TEST_PROFILE", usual))
    if not hasattr(config, "workerinput"):
        run.begin()
    # Each test has an application of its own; its templates need not be compiled anew for each.
    compiled = run.folder() / "templates"
    compiled.mkdir(exist_ok=True)
    Flask.jinja_options = {"bytecode_cache": FileSystemBytecodeCache(str(compiled))}
    addresses.compile_once()


def pytest_collection_finish() -> None:
    """What is there before the first test stays: no search for garbage need look through it."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """After the last worker ended."""
    if not hasattr(config, "workerinput"):
        postgres.stop()
        run.end()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow proofs run when they are asked for: `-m proof`."""
    if "proof" not in (config.option.markexpr or ""):
        chosen = [item for item in items if item.get_closest_marker("proof") is None]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


@pytest.fixture(autouse=True)
def _tidy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that sends a letter unasked, or leaves the clock standing."""
    stray: list[str] = []
    if not {"smtp", "smtp_of_worlds", "house"} & set(request.fixturenames):

        def refuse(self: smtplib.SMTP, host: str = "", *rest: Any, **more: Any) -> NoReturn:
            stray.append(str(host))
            raise ConnectionRefusedError("this test did not ask for a mail server")

        monkeypatch.setattr(smtplib.SMTP, "connect", refuse)
    yield
    assert not stray, f"mail was sent unasked, to {stray}"
    standing, clock._frozen = clock._frozen, None
    clock.use_offset_file(None)
    assert standing is None, f"the clock was left standing at {standing}"


# --- databases ------------------------------------------------------------------------------------


@pytest.fixture
def backend() -> str:
    """Which database: SQLite, unless a test asks for `@both` (tests/engines/marks.py)."""
    return "sqlite"


@pytest.fixture
def database_url(backend: str, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh database with today's schema."""
    if backend == "sqlite":
        yield sqlite.copy(tmp_path / "ates.sqlite3")
        return
    server = postgres.server()
    name = server.make()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(app: Flask) -> Database:
    """The application's database."""
    found = app.extensions["ates.database"]
    assert isinstance(found, Database)
    return found


# --- the application ------------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """Settings of a throw-away installation. Letters become files."""
    return trial(tmp_path, database_url)


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The whole application on a fresh, migrated database."""
    made = create_app(config)
    made.test_client_class = Visitor
    delivery.ensure_consumers(
        made.extensions["ates.database"], made.extensions["ates.inboxes"].values()
    )
    yield made
    made.extensions["ates.database"].close()


@pytest.fixture
def demonstration(backend: str, tmp_path: Path) -> Iterator[Flask]:
    """The application on a copy of the demonstration company; it is 24 November, 15:04 there."""
    with company.copied(backend, tmp_path) as made:
        yield made


@pytest.fixture
def client(app: Flask) -> Visitor:
    """Somebody who is not signed in."""
    client = app.test_client()
    assert isinstance(client, Visitor)
    return client


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., Visitor]:
    """`sign_in("manager")`: a client signed in as a new person; `.person` is the id."""

    def enter(role: Role | str, **about: Any) -> Visitor:
        return people.sign_in(app, role, **about)

    return enter


@pytest.fixture
def api(app: Flask) -> Callable[..., Visitor]:
    """`api("manager")`: a program with a token of a new person; `scope="read"` may only read."""

    def enter(role: Role | str, **about: Any) -> Visitor:
        return people.caller(app, role, **about)

    return enter


@pytest.fixture
def session(app: Flask, database: Database) -> Iterator[Session]:
    """A write session in one transaction that is rolled back, within the application's context."""
    with app.app_context(), database.session() as session:
        session.begin()
        yield session
        session.rollback()


@pytest.fixture
def said(app: Flask) -> Iterator[list[Any]]:
    """The events published so far in this test, in order."""
    heard: list[Any] = []

    def listen(sender: type[Any], *, session: Session, events: list[Any]) -> None:
        heard.extend(events)

    bus.published.connect(listen, weak=False)
    yield heard
    bus.published.disconnect(listen)


@pytest.fixture
def drain(app: Flask) -> Callable[[], None]:
    """`drain()`: let every part hear everything that was committed, until nothing is left."""

    def until_dry() -> None:
        database, inboxes = app.extensions["ates.database"], app.extensions["ates.inboxes"]
        with app.app_context():
            assert delivery.drain_all(database, list(inboxes.values()), seconds=30)

    return until_dry


@pytest.fixture
def at() -> Callable[[datetime | str], AbstractContextManager[None]]:
    """`with at("2026-11-24T10:00+00:00"):` it is that moment."""

    def moment(when: datetime | str) -> AbstractContextManager[None]:
        return clock.frozen(datetime.fromisoformat(when) if isinstance(when, str) else when)

    return moment


# --- servers --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _redis() -> Iterator[wake.WakeServer]:
    with wake.running("redis") as server:
        yield server


@pytest.fixture(scope="session")
def _valkey() -> Iterator[wake.WakeServer]:
    with wake.running("valkey") as server:
        yield server


@pytest.fixture
def redis_url(_redis: wake.WakeServer) -> str:
    """Debian's Redis, empty."""
    _redis.empty()
    return _redis.url


@pytest.fixture
def valkey(_valkey: wake.WakeServer) -> str:
    """The Valkey that comes with the requirements, empty."""
    _valkey.empty()
    return _valkey.url


@pytest.fixture(params=wake.ENGINES)
def wake_engine(request: pytest.FixtureRequest) -> Iterator[wake.WakeServer]:
    """Both in turn, each a server of the test's own, which it may kill and start again."""
    with wake.running(request.param) as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    """A real mail server that keeps its letters and can be told to be rude."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def house(
    backend: str, tmp_path: Path, _redis: wake.WakeServer, smtp: MailServer
) -> Iterator[House]:
    """An installation of real processes; the test starts, kills and restarts them."""
    _redis.empty()
    with houses.house(tmp_path / "data", backend, _redis, smtp) as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium; open contexts in it."""
    with chromium.running() as made:
        yield made
