"""Pages, the payout and memory at size: the large company beside a small one, through the web.

`python -m bench.size --large URL --small URL` measures databases that are there (made by `flask
demo --people …`); without them both are made, which takes minutes.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from ates.accounting import payout
from ates.accounting.gate import books
from ates.accounting.models import Account, BusinessDay, Entry
from ates.accounting.posting import Posting
from ates.app import create_app
from ates.auth import service
from ates.auth.models import Person
from ates.config import Config
from ates.contracts.auth import Role
from ates.contracts.chronicle import Size
from ates.kernel import clock, ids
from ates.kernel.db import Database, transaction
from ates.ops import bulk
from ates.web.identity import cookies_of
from bench.memory import memory
from bench.places import BOTH, Place, folder, opened, places
from bench.table import Measure, lines, ms, p95
from tests.engines.settings import trial

LARGE = Size(people=10_000, tasks=1_000_000, days=30)
SMALL = Size(people=50, tasks=500, days=10)
WARM = 20
QUERIES = 8
SETTINGS = ("PRAGMA", "SET", "BEGIN")  # statements of the connection, not of the page


@dataclass(frozen=True)
class Effort:
    """How much is asked of the companies."""

    requests: int = 200  # per page
    paid: int = 10_000  # people
    events: int = 50_000
    loads: int = 2_000  # of pages, in one web process


@dataclass
class Web:
    """A web process on one database, with somebody of each role signed in."""

    app: Flask
    clients: dict[Role, list[FlaskClient]]
    persons: dict[Role, list[str]]
    days: list[str]  # paid
    seqs: int  # entries of an account, more or less
    queries: list[str] = field(default_factory=list)
    seconds: float = 0.0
    asking: float = 0.0  # of them, for the first row of each statement

    def get(self, path: str, role: Role, turn: int) -> "Took":
        """One page, measured on the server."""
        self.queries.clear()
        self.asking = 0.0
        client = self.clients[role][turn % len(self.clients[role])]
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"
        return Took(self.seconds, self.asking, len(self.queries))


@dataclass(frozen=True)
class Took:
    """What one page took."""

    seconds: float
    asking: float
    queries: int


@dataclass(frozen=True)
class Page:
    """What is asked again and again, each time a little otherwise."""

    name: str
    role: Role
    paths: Sequence[str]

    def path(self, web: Web, turn: int) -> str:
        path = self.paths[turn % len(self.paths)]
        return path.format(
            day=web.days[turn % len(web.days)],
            person=web.persons[Role.EMPLOYEE][turn % len(web.persons[Role.EMPLOYEE])],
            seq=max(2, web.seqs * (turn % 10) // 10),
        )


FULL = Effort()
PAGES = (
    Page("own tasks", Role.EMPLOYEE, ("/tasks/mine", "/tasks/mine?status=done")),
    Page(
        "all tasks",
        Role.MANAGER,
        ("/tasks/", "/tasks/?status=open", "/tasks/?q=parrot", "/tasks/?q=loud+kea"),
    ),
    Page("own account", Role.EMPLOYEE, ("/accounting/me", "/accounting/me?after={seq}")),
    Page("accounting overview", Role.ACCOUNTANT, ("/accounting/",)),
    Page("accounting day", Role.ACCOUNTANT, ("/accounting/days/{day}",)),
    Page("analytics", Role.ADMIN, ("/analytics/",)),
    Page("accounts", Role.ACCOUNTANT, ("/accounting/accounts/", "/accounting/accounts/?below=1")),
    Page("payouts", Role.ACCOUNTANT, ("/accounting/payouts/", "/accounting/payouts/{day}")),
    Page(
        "entries", Role.ACCOUNTANT, ("/accounting/entries/", "/accounting/entries/?user={person}")
    ),
)


def measure(
    place: Place, data: Path, large: str = "", small: str = "", effort: Effort = FULL
) -> list[Measure]:
    """All of it on one kind of database; addresses of companies that are there save making them."""
    made = []
    if not small:
        small, _ = make(place, data, SMALL)
    if not large:
        large, seconds = make(place, data, LARGE)
        line = f"{LARGE.people:,} people, {LARGE.tasks:,} tasks, {LARGE.days} days made by bulk"
        ok = seconds <= 240
        made.append(Measure(line, place.kind, f"{seconds:,.0f} s", target="<= 240 s", ok=ok))
    made += pages(place.kind, data, large, small, effort.requests)
    made.append(paying(place, data, effort.paid))
    made += memory(place, data, small, effort.events, effort.loads)
    return made


def make(place: Place, data: Path, size: Size) -> tuple[str, float]:
    """A company in a database of its own: its address and how long it took."""
    url = place.fresh()
    with opened(url, data):
        return url, bulk.make(size).seconds


# --- pages ----------------------------------------------------------------------------------------


def pages(
    kind: str,
    data: Path,
    large: str,
    small: str,
    requests: int,
    asked: Sequence[Page] = PAGES,
) -> list[Measure]:
    """Each page on both companies in turn, so that a busy moment of the machine meets both."""
    with _web(large, data) as big, _web(small, data) as little:
        return [_page(kind, page, big, little, requests) for page in asked]


def _page(kind: str, page: Page, big: Web, little: Web, requests: int) -> Measure:
    found: dict[str, list[Took]] = {"big": [], "little": []}
    for turn in range(requests + WARM):
        for name, web in (("little", little), ("big", big)):
            took = web.get(page.path(web, turn), page.role, turn)
            if turn >= WARM:
                found[name].append(took)
    at_size, empty = (p95([each.seconds for each in found[name]]) for name in ("big", "little"))
    asking, least = (p95([each.asking for each in found[name]]) for name in ("big", "little"))
    queries = max(each.queries for each in found["big"])
    ratio = at_size / empty
    return Measure(
        f"{page.name} at size, p95",
        kind,
        ms(at_size),
        ms(empty),
        ratio,
        f"<= 2, {QUERIES} queries",
        ratio <= 2 and queries <= QUERIES,
        note=f"{queries} queries, {ms(asking)} of the database against {ms(least)};"
        f" bare: the same page of a company of {SMALL.people} people",
    )


@contextmanager
def _web(url: str, data: Path) -> Iterator[Web]:
    app = create_app(trial(data, url, unsafe_database=False))
    database: Database = app.extensions["ates.database"]
    with app.app_context():
        web = Web(app, *_signed_in(app), *_places(database))
    _watch(web, database)
    try:
        yield web
    finally:
        database.close()


def _signed_in(app: Flask) -> tuple[dict[Role, list[FlaskClient]], dict[Role, list[str]]]:
    """Twenty of each role from all over the company, with sessions of their own."""
    config: Config = app.extensions["ates.config"]
    clients: dict[Role, list[FlaskClient]] = {role: [] for role in Role}
    persons: dict[Role, list[str]] = {role: [] for role in Role}
    with transaction("auth") as session:
        for role in Role:
            everybody = session.scalars(
                select(Person.id).where(Person.role == role).order_by(Person.id)
            ).all()
            for person in everybody[:: max(1, len(everybody) // 20)][:20]:
                client = app.test_client()
                cookie = service.open_session(session, person)
                client.set_cookie(cookies_of(config).session, cookie)
                clients[role].append(client)
                persons[role].append(str(person))
    return clients, persons


def _places(database: Database) -> tuple[list[str], int]:
    with database.reading() as session:
        days = session.scalars(
            select(BusinessDay.business_date).where(BusinessDay.state == "paid")
        ).all()
        longest = session.scalar(select(Account.last_seq).order_by(Account.id).limit(1))
    return [day.isoformat() for day in sorted(days)], longest or 1


def _watch(web: Web, database: Database) -> None:
    """Count statements, and measure from the request's arrival to the last byte."""

    def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
        if not statement.startswith(SETTINGS):
            web.queries.append(statement)
        web.asking -= time.perf_counter()

    def done(*_: Any) -> None:
        web.asking += time.perf_counter()

    event.listen(database.engine, "before_cursor_execute", note)
    event.listen(database.engine, "after_cursor_execute", done)
    inner = web.app.wsgi_app

    def timed(environ: Any, start_response: Any) -> Any:
        began = time.perf_counter()
        answer = inner(environ, start_response)
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        web.seconds = time.perf_counter() - began
        return [body]

    web.app.wsgi_app = timed  # type: ignore[method-assign]


# --- the payout -----------------------------------------------------------------------------------


def paying(place: Place, data: Path, due: int) -> Measure:
    """Close a day and pay so many people; their letters are written down and stay in the box."""
    url, _ = make(place, data, Size(due, due * 2, 2))
    with opened(url, data) as app:
        database: Database = app.extensions["ates.database"]
        with database.reading() as session:
            people = session.scalars(select(Person.id).order_by(Person.id)).all()
        for first in range(0, len(people), 500):
            with database.transaction() as session:
                posting = Posting(session, books())
                for person in people[first : first + 500]:
                    posting.adjust(ids.new(), to=person, amount_cents=50_000)
                posting.flush()
        with clock.frozen(clock.now() + timedelta(days=1)):
            began = time.perf_counter()
            report = payout.run(database, books(), payout.Limits())
            seconds = time.perf_counter() - began
        paid = sum(day.standing.people for day in report.days)
        with database.reading() as session:
            entries = session.scalar(select(func.max(Entry.entry_no)))
    assert report.error is None, report.error
    assert paid == due, f"{paid} were paid"
    place.drop(url)
    return Measure(
        f"payout of {due:,} people, without sending",
        place.kind,
        f"{seconds:,.1f} s",
        target="<= 30 s",
        ok=seconds <= 30,
        note=f"{paid / seconds:,.0f} a second, in books of {entries:,} entries",
    )


# --- by itself ------------------------------------------------------------------------------------


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", default="", help="address of a large company that is there")
    parser.add_argument("--small", default="", help="address of a small one")
    parser.add_argument("--on", choices=BOTH, default="sqlite")
    parser.add_argument("--only", choices=("pages", "payout", "memory"))
    asked = parser.parse_args()
    with folder() as home, places((asked.on,), home) as (place,):
        data = home / "data"
        data.mkdir()
        if asked.only == "pages":
            found = pages(place.kind, data, asked.large, asked.small, FULL.requests)
        elif asked.only == "payout":
            found = [paying(place, data, FULL.paid)]
        elif asked.only == "memory":
            small = asked.small or make(place, data, SMALL)[0]
            found = memory(place, data, small, FULL.events, FULL.loads)
        else:
            found = measure(place, data, asked.large, asked.small)
    print("\n".join(lines(found)))
    Path("build").mkdir(exist_ok=True)
    rows = [each.as_json() for each in found]
    Path("build/size.json").write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
