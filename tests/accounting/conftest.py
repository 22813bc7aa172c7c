"""Books on a fresh database of either kind, and worlds around them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from ates.config import Config
from ates.kernel import clock, db
from tests.accounting.machine.stage import Stage
from tests.accounting.machine.world import World
from tests.accounting.make import BOOKS_KEYS, Office
from tests.accounting.march import NOW, March
from tests.accounting.paper import NOON, Desk, open_desk
from tests.engines.people import Visitor
from tests.engines.settings import trial
from tests.engines.smtp import MailServer

Stages = Callable[[str], Stage]


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """Settings with the keys of the worked example."""
    return trial(tmp_path, database_url, books_keys=BOOKS_KEYS, mail_from="aTES <a@popug.test>")


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """Empty books, within the application's context."""
    with app.app_context():
        yield Office(app.extensions["ates.database"])


@pytest.fixture
def march(office: Office, sign_in: Callable[..., Visitor]) -> March:
    """Three days of one person; it is noon of the 30th when somebody looks."""
    with clock.frozen(NOW):
        made = March(office, sign_in("employee"), sign_in("accountant"))
    made.happen()
    return made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Books written by hand, with pages, at noon of their last day."""
    opened = open_desk(tmp_path)
    with clock.frozen(NOON):
        yield opened
    with opened.app.app_context():
        db.database("accounting").close()


@pytest.fixture(scope="module")
def smtp_of_worlds() -> Iterator[MailServer]:
    """One mail server for all worlds of a module: they come one after the other."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stages(
    smtp_of_worlds: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stages]:
    """`stages("postgresql")`: the application on a database of this kind, once for a module."""
    made: dict[str, Stage] = {}

    def stage(backend: str) -> Stage:
        if backend not in made:
            made[backend] = Stage(backend, tmp_path_factory.mktemp(backend), smtp_of_worlds)
        return made[backend]

    yield stage
    for each in made.values():
        each.close()


@pytest.fixture
def stage(backend: str, stages: Stages) -> Stage:
    """Where worlds are played, on the database of this test."""
    return stages(backend)


@pytest.fixture
def world(stage: Stage) -> World:
    """Empty books in UTC; it is the evening of 28 March 2025."""
    return stage.world()
