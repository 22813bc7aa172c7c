"""What every test may ask for. Engines are real; each test has a database of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, settings
from sqlalchemy.orm import Session

from ates.app import create_app
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel import bus, clock
from ates.kernel.db import Database
from ates.kernel.delivery import drain_all
from ates.launch import waker
from tests.support import engines, people
from tests.support.smtp import SmtpServer

KEY = Ed25519PrivateKey.generate()
SIGNING_KEY = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
BOOKS_KEYS = "1:" + bytes(range(32)).hex()

for name, examples in (("normal", 20), ("proof", 400)):
    settings.register_profile(
        name,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "normal"))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the process that starts the others, or the only one
        engines.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        engines.end()


@pytest.fixture
def backend() -> str:
    """Which database: "sqlite", unless a test is parametrised with
    `@pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=False)`."""
    return "sqlite"


@pytest.fixture
def database_url(backend: str, tmp_path: Path) -> Iterator[str]:
    """A fresh migrated database."""
    if backend == "sqlite":
        yield engines.sqlite_url(tmp_path)
        return
    cluster = engines.Cluster(engines.shared())
    cluster.start()
    url = cluster.create()
    yield url
    cluster.drop(url)


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """Settings of an installation of its own: no Redis, letters as files."""
    data = tmp_path / "data"
    data.mkdir()
    return Config(
        data=data,
        database_url=database_url,
        secret_key="a secret of the tests, long enough to pass",
        signing_key=SIGNING_KEY,
        books_keys=BOOKS_KEYS,
        url="http://localhost",
        unsafe_database=True,
    )


@pytest.fixture
def app(config: Config) -> Iterator[Flask]:
    """The whole application. No context is pushed: a request must bring its own."""
    made = create_app(config)
    made.testing = True
    yield made
    made.extensions["ates.database"].close()


@pytest.fixture
def database(app: Flask) -> Database:
    found = app.extensions["ates.database"]
    assert isinstance(found, Database)
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a sign-in."""
    return app.test_client()


@pytest.fixture
def session(app: Flask, database: Database) -> Iterator[Session]:
    """A write session in one transaction that is rolled back."""
    with app.app_context(), database.session("write") as opened:
        opened.begin()
        yield opened
        opened.rollback()


@pytest.fixture
def said() -> Iterator[list[Any]]:
    """The events published so far in this test, in order."""
    heard: list[Any] = []

    def listen(sender: type[Any], *, session: Session, events: list[Any]) -> None:
        heard.extend(events)

    bus.published.connect(listen, weak=False)
    yield heard
    bus.published.disconnect(listen)


@pytest.fixture
def drain(app: Flask, database: Database) -> Callable[[], None]:
    """Run all consumers until nothing is left."""

    def run() -> None:
        with app.app_context():
            inboxes = list(app.extensions["ates.inboxes"].values())
            assert drain_all(database, inboxes), "the consumers did not get dry"

    return run


@pytest.fixture
def at() -> Callable[[datetime], AbstractContextManager[None]]:
    """`with at(moment):` freezes the clock."""
    return clock.frozen


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., "people.Visitor"]:
    """`sign_in(Role.MANAGER)` gives a browser signed in as a new person of that role."""

    def enter(role: Role, name: str | None = None) -> people.Visitor:
        return people.sign_in(app, role, name)

    return enter


@pytest.fixture
def redis() -> Iterator[engines.RedisServer]:
    """Debian's redis-server."""
    with engines.redis_server(shutil.which("redis-server")) as server:
        yield server


@pytest.fixture
def redis_url(redis: engines.RedisServer) -> str:
    return redis.url


@pytest.fixture
def valkey() -> Iterator[engines.RedisServer]:
    """The embedded Valkey."""
    with engines.redis_server(waker.embedded()) as server:
        yield server


@pytest.fixture(params=["redis-server", "valkey"])
def wake_engine(request: pytest.FixtureRequest) -> Iterator[engines.RedisServer]:
    """Both servers that may wake us, in turn."""
    program = shutil.which("redis-server") if request.param == "redis-server" else waker.embedded()
    with engines.redis_server(program) as server:
        yield server


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    """A real SMTP server."""
    server = SmtpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _time_goes_on() -> Iterator[None]:
    """A test that leaves the clock frozen or moved would lie to the next one."""
    yield
    frozen, clock._frozen = clock._frozen, None
    clock.use_offset_file(None)
    assert frozen is None, "the test left the clock frozen"
