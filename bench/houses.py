"""Real processes around a database, as `python3 -m ates run` starts them, and a browser."""

import http.client
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask

from ates.auth import service as auth
from ates.contracts.auth import Role
from ates.kernel import delivery
from ates.kernel.db import transaction
from ates.tasks import service as tasks
from ates.tasks.titles import Wording
from ates.web.identity import cookies_of
from bench.drain import database_of
from bench.places import Place, opened
from tests.engines.house import House
from tests.engines.people import form_of
from tests.engines.wake import running

ABSENT = "redis://127.0.0.1:9/0"  # nobody listens there


@dataclass
class Home(House):
    """The processes as the supervisor starts them, on a durable database."""

    workers: int = 1

    def _command(self, name: str) -> list[str]:
        if name != "web":
            return super()._command(name)
        return [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--workers", str(self.workers)),
            *("--blocking-threads", "8", "--no-access-log", "--no-ws", "wsgi:app"),
        ]


@contextmanager
def home(
    url: str, data: Path, *, redis: bool, workers: int = 1, test_clock: bool = False
) -> Iterator[Home]:
    """An installation whose web and events workers run."""
    settings = {"ATES_UNSAFE_DATABASE": "0", "ATES_SMTP_URL": ""}
    settings["ATES_TEST_CLOCK"] = "1" if test_clock else "0"
    data.mkdir(exist_ok=True)

    @contextmanager
    def alarm() -> Iterator[Any]:
        if redis:
            with running("redis") as server:
                yield server
        else:
            yield SimpleNamespace(url=ABSENT)

    with alarm() as wake:
        mail = cast(Any, SimpleNamespace(url=""))
        made = Home(data, url, wake, mail, settings=settings, workers=workers)
        try:
            made.start("web", "events")
            yield made
        finally:
            made.close()


@dataclass
class Prepared:
    """A database with one employee, who holds all tasks."""

    url: str
    person: UUID
    cookies: dict[str, str]
    numbers: list[int] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)


def prepare(place: Place, data: Path, count: int, **changes: Any) -> Prepared:
    """One person of the lot with `count` open tasks, all heard by everybody."""
    url = place.fresh()
    with opened(url, data, **changes) as app:
        with transaction("auth") as session:
            person = auth.create_person(
                session, email="polly@popug.example", name="Polly", role=Role.EMPLOYEE
            )
            cookie = auth.open_session(session, person.id)
        _settle(app)
        made = Prepared(url, person.id, {cookies_of(app.extensions["ates.config"]).session: cookie})
        for first in range(0, count, 50):
            with transaction("tasks") as session:
                for number in range(first, min(first + 50, count)):
                    wording = Wording(f"feed the parrot {number}", f"POPUG-{number + 1}", None)
                    task = tasks.create_task(session, wording, by=person.id)
                    made.numbers.append(task.number)
                    made.ids.append(task.id)
        _settle(app)
    return made


def _settle(app: Flask) -> None:
    inboxes = list(app.extensions["ates.inboxes"].values())
    assert delivery.drain_all(database_of(app), inboxes, seconds=120)


class Browser:
    """One person's browser: a connection that is kept, and cookies."""

    def __init__(self, url: str, cookies: dict[str, str]) -> None:
        self.connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        self.cookies = dict(cookies)

    def get(self, path: str) -> str:
        return self._ask("GET", path)[1]

    def form(self, page: str, action: str) -> tuple[str, dict[str, str]]:
        """Where a form of a page leads, and what is filled in."""
        return form_of(self.get(page), action)

    def post(self, path: str, fields: dict[str, str]) -> int:
        """The status."""
        return self._ask("POST", path, urlencode(fields))[0]

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        assert answer.status < 400, f"{method} {path}: {answer.status}\n{text[:500]}"
        return answer.status, text
