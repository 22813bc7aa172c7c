"""A firm that has worked for two days: made once for a module and database, copied per test."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

from click.testing import Result
from flask import Flask
from sqlalchemy import select, text

from ates.app import create_app
from ates.kernel import clock, delivery, ids
from ates.kernel.db import Database, transaction
from ates.tasks import service
from ates.tasks.models import Task
from ates.tasks.titles import Wording
from tests.accounting import hands
from tests.accounting.make import Office
from tests.engines import postgres, sqlite
from tests.engines.people import sign_in
from tests.engines.settings import trial

FIRST, SECOND = "2026-03-10", "2026-03-11"
NOW = f"{SECOND}T12:00+00:00"
SEED = 4  # with which somebody is paid for the first day, and somebody is not

Copy = Callable[[Path], str]  # the address of a copy, its file in this folder if it has one


@dataclass
class Firm:
    """Three employees and their tasks. Every act is at a moment of its own."""

    app: Flask
    people: list[UUID] = field(default_factory=list)

    @property
    def database(self) -> Database:
        found = self.app.extensions["ates.database"]
        assert isinstance(found, Database)
        return found

    def create(self, count: int, when: str) -> list[int]:
        """Tasks, each given to somebody; their numbers."""
        with at(when), self.app.app_context(), transaction("tasks") as session:
            return [
                service.create_task(session, Wording(f"Feed parrot {n}"), by=self.people[0]).number
                for n in range(count)
            ]

    def complete(self, numbers: list[int], when: str) -> None:
        with at(when), self.app.app_context(), transaction("tasks") as session:
            found = session.scalars(select(Task).where(Task.number.in_(numbers))).all()
            for task in found:
                service.complete_task(session, task.number, by=task.assignee_id)

    def shuffle(self, when: str) -> None:
        with at(when), self.app.app_context(), transaction("tasks") as session:
            service.shuffle_open_tasks(session, by=self.people[0])

    def hear(self, when: str) -> None:
        """Everybody hears everything."""
        inboxes = list(self.app.extensions["ates.inboxes"].values())
        with at(when), self.app.app_context():
            assert delivery.drain_all(self.database, inboxes, seconds=30)

    def night(self, when: str) -> None:
        """Close, pay, and send the letters."""
        assert self.say("accounting", "payout", when=when).exit_code == 0
        self.hear(when)
        with at(when), self.app.app_context():
            self.app.extensions["ates.letters"].send_due(10.0, lambda: False)

    def say(self, *words: str, when: str = NOW) -> Result:
        with at(when):
            return self.app.test_cli_runner().invoke(args=words)

    def by_hand(self, *statements: str) -> None:
        """As somebody could who has the database at hand, triggers off."""
        office = Office(self.database)
        hands.unguard(office)
        hands.alter(office, *statements)


def at(when: str) -> AbstractContextManager[None]:
    """It is that moment."""
    return clock.frozen(datetime.fromisoformat(when))


def two_days(firm: Firm) -> None:
    """The first is paid and its letters are out, the second runs."""
    with ids.repeatable(SEED):
        with at(f"{FIRST}T08:00+00:00"):
            for number in range(3):
                person = sign_in(firm.app, "employee", number=100 + number).person
                assert person is not None
                firm.people.append(person)
        firm.hear(f"{FIRST}T08:00+00:00")
        numbers = firm.create(6, f"{FIRST}T09:00+00:00")
        firm.complete(numbers[:3], f"{FIRST}T10:00+00:00")
        firm.shuffle(f"{FIRST}T11:00+00:00")
        firm.hear(f"{FIRST}T11:00:01+00:00")
        firm.night(f"{SECOND}T00:10+00:00")
        firm.complete(numbers[3:4], f"{SECOND}T09:00+00:00")
        firm.hear(f"{SECOND}T09:00:01+00:00")


@contextmanager
def worked(folder: Path) -> Iterator[Callable[[str], Copy]]:
    """`copy_of("postgresql")`: how to copy a firm that has worked, which it does once."""
    made: dict[str, Copy] = {}
    names: list[str] = []

    def copy_of(backend: str) -> Copy:
        if backend not in made:
            made[backend] = _sqlite(folder) if backend == "sqlite" else _postgresql(folder, names)
        return made[backend]

    yield copy_of
    for name in names:
        postgres.server().drop(name)


def people_of(firm: Firm) -> list[UUID]:
    with firm.database.reading() as session:
        found = session.scalars(text("SELECT id FROM auth_person ORDER BY id"))
        return [UUID(str(each)) for each in found]


def _work(folder: Path, url: str) -> None:
    folder.mkdir()
    app = create_app(trial(folder, url))
    firm = Firm(app)
    delivery.ensure_consumers(firm.database, app.extensions["ates.inboxes"].values())
    two_days(firm)
    firm.database.close()  # only an idle database can be copied


def _sqlite(folder: Path) -> Copy:
    file = folder / "worked.sqlite3"
    _work(folder / "sqlite", sqlite.copy(file))

    def copy(into: Path) -> str:
        shutil.copyfile(file, into / "ates.sqlite3")
        (into / "ates.sqlite3").chmod(0o600)
        return f"sqlite:///{into / 'ates.sqlite3'}"

    return copy


def _postgresql(folder: Path, names: list[str]) -> Copy:
    server = postgres.server()
    names.append(template := server.make())
    _work(folder / "postgresql", server.url(template))

    def copy(_into: Path) -> str:
        names.append(name := server.make(template))
        return server.url(name)

    return copy
