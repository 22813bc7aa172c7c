"""The demonstration company: played once per run and database, copied for each test that asks."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask

from ates.app import create_app
from ates.auth import queries, service
from ates.config import Config
from ates.kernel import clock
from ates.kernel.db import reading, transaction
from ates.ops import demo
from ates.web.identity import cookies_of

from . import postgres, run, sqlite
from .people import Visitor
from .settings import trial

NOW = datetime(2026, 11, 24, 15, 4, tzinfo=UTC)  # a Tuesday
TEMPLATE = "company"


@contextmanager
def copied(backend: str, data: Path) -> Iterator[Flask]:
    """The application on a copy of its own; letters too. It is `NOW` there."""
    folder = played(backend)
    shutil.copytree(folder / "mail", data / "mail")
    if backend == "sqlite":
        shutil.copyfile(folder / "ates.sqlite3", data / "ates.sqlite3")
        (data / "ates.sqlite3").chmod(0o600)
        with _open(trial(data, f"sqlite:///{data / 'ates.sqlite3'}")) as app:
            yield app
        return
    server = postgres.server()
    name = server.make(TEMPLATE)
    with _open(trial(data, server.url(name))) as app:
        yield app
    server.drop(name)


def enter(app: Flask, email: str) -> Visitor:
    """A client with a session of this person, without typing a password."""
    with app.app_context():
        with reading("auth") as session:
            person = queries.person_by_email(session, email)
        with transaction("auth") as session:
            cookie = service.open_session(session, person.id)
    config: Config = app.extensions["ates.config"]
    client = app.test_client()
    assert isinstance(client, Visitor)
    client.set_cookie(cookies_of(config).session, cookie)
    client.person = person.id
    return client


def played(backend: str) -> Path:
    """The folder with the letters, and with SQLite the books; the first to ask plays."""
    folder = run.folder() / f"company-{backend}"
    with run.alone(f"company-{backend}"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            url = sqlite.copy(folder / "ates.sqlite3") if backend == "sqlite" else _template()
            with _open(trial(folder, url)) as app, app.app_context():
                database, config = app.extensions["ates.database"], app.extensions["ates.config"]
                demo.play(database, config, lambda *_: None)
            (folder / "complete").touch()
    return folder


def _template() -> str:
    server = postgres.server()
    server.drop(TEMPLATE)
    server.do("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", TEMPLATE, postgres.TEMPLATE)
    return server.url(TEMPLATE)


@contextmanager
def _open(config: Config) -> Iterator[Flask]:
    app = create_app(config)
    app.test_client_class = Visitor
    with clock.frozen(NOW):
        yield app
    app.extensions["ates.database"].close()  # only an idle database can be copied
