"""Ten million entries: the proof, the pages, and a night while posting goes on.

`python -m bench.ledger --large URL` measures a company that is there (made by `flask demo
--people …`); without it one is made, which takes a quarter of an hour.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.accounting.gate import books
from ates.accounting.models import Account, Entry
from ates.accounting.posting import Posting
from ates.contracts.auth import Role
from ates.contracts.chronicle import Size
from ates.kernel import clock, ids
from ates.kernel.db import Database, transaction
from ates.kernel.envelope import Meta
from ates.tasks import service as tasks
from ates.tasks.titles import Wording
from bench import size
from bench.drain import database_of
from bench.houses import Home, home
from bench.places import Place, folder, opened, places
from bench.size import Page
from bench.table import Measure, lines, median, ms, p95
from tests.accounting.make import approve

BATCH = 500
PACE = 0.05  # seconds between two tasks while everybody is paid
LAST_PAID = """
SELECT payouts FROM accounting_day WHERE state = 'paid' ORDER BY business_date DESC LIMIT 1
"""
PAGES = (
    Page("own account", Role.EMPLOYEE, ("/accounting/me", "/accounting/me?after={seq}")),
    Page("statement of a day", Role.EMPLOYEE, ("/accounting/me/statements/{day}",)),
    Page("accounting overview", Role.ACCOUNTANT, ("/accounting/",)),
    Page("accounting day", Role.ACCOUNTANT, ("/accounting/days/{day}",)),
    Page("payouts", Role.ACCOUNTANT, ("/accounting/payouts/", "/accounting/payouts/{day}")),
    Page("analytics", Role.ADMIN, ("/analytics/",)),
)


@dataclass(frozen=True)
class Effort:
    """How large the books are, and how much is asked of them."""

    company: Size = field(default_factory=lambda: Size(10_000, 3_400_000, 90))
    day: int = 100_000  # entries that a check of a day meets
    requests: int = 200  # per page


def measure(place: Place, data: Path, effort: Effort, large: str = "") -> Iterator[Measure]:
    """All of it on one database; what is paid and posted here stays in it."""
    if not large:
        large, _ = size.make(place, data, effort.company)
    small, _ = size.make(place, data, size.SMALL)
    with opened(large, data) as app:
        entries = _count(database_of(app))
    yield proof(place.kind, large, data, entries)
    yield from size.pages(place.kind, data, large, small, effort.requests, PAGES)
    yield from night(place, large, data, effort.company.people)
    yield of_a_day(place.kind, large, data, effort.day)


# --- the proof ------------------------------------------------------------------------------------


def proof(kind: str, url: str, data: Path, entries: int) -> Measure:
    """Everything from the first block on, as the nightly command proves it."""
    took = _verify(url, data, "--full")
    rate = took.report["entries"] / took.processor
    return Measure(
        f"verify --full of {entries:,} entries",
        kind,
        f"{rate:,.0f}/s a core",
        target=">= 25,000/s a core",
        ok=took.report["agree"] and rate >= 25_000,
        note=f"{took.seconds:,.0f} s, {took.processor:,.0f} s of processors,"
        f" agree: {took.report['agree']}",
    )


def of_a_day(kind: str, url: str, data: Path, count: int) -> Measure:
    """What a day brought, proven block by block behind everything that was proven before."""
    _verify(url, data)
    with opened(url, data) as app:
        _post_fees(database_of(app), count)
    took = _verify(url, data)
    return Measure(
        f"verify of the {count:,} new entries of a day",
        kind,
        f"{took.seconds:,.1f} s",
        target="<= 5 s",
        ok=took.report["agree"] and took.seconds <= 5,
        note=f"{took.report['entries']:,} entries, start of the command included",
    )


@dataclass(frozen=True)
class Took:
    """What a command took: by the clock, and of the processors with all its children."""

    seconds: float
    processor: float
    report: dict[str, Any]


def _verify(url: str, data: Path, *words: str) -> Took:
    before, began = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi.py", "accounting", "verify", "--json",
         *words],
        env=_environ(url, data), capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    assert done.returncode in (0, 4), done.stderr[-2000:]
    return Took(seconds, _children() - before, json.loads(done.stdout.splitlines()[-1]))


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _environ(url: str, data: Path) -> dict[str, str]:
    from_house: Any = Home(data, url, _Nobody(), _Nobody())  # type: ignore[arg-type]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**from_house.environ, **kept, "ATES_UNSAFE_DATABASE": "0"}


class _Nobody:
    url = ""


# --- the night ------------------------------------------------------------------------------------


def night(place: Place, url: str, data: Path, people: int) -> Sequence[Measure]:
    """Everybody is paid by the command while tasks go on being created, drawn and booked."""
    with opened(url, data) as app:
        _owe_everybody(database_of(app))
    with home(url, data / f"home-{ids.new()}", redis=True, test_clock=True) as house:
        house.move_to(clock.now() + timedelta(days=1))
        with (
            opened(url, house.data, test_clock=True, redis_url=house.wake.url) as app,
            _Feeder(app) as feeder,
        ):
            feeder.run(5)
            feeder.lags.clear()
            began = time.perf_counter()
            paid = house.begin("accounting", "payout")
            while paid.poll() is None:
                feeder.run(0.2)
            seconds = time.perf_counter() - began
            feeder.settle()
            clock.use_offset_file(None)
        assert paid.returncode in (0, 3), house.logs()
        count = house.one(LAST_PAID)
    lag = p95(feeder.lags)
    assert count >= people * 0.9, f"{count} were paid"
    return [
        Measure(
            f"payout of {count:,} people while posting goes on, without sending",
            place.kind,
            f"{seconds:,.1f} s",
            target="<= 60 s",
            ok=seconds <= 60,
            note=f"{len(feeder.lags):,} tasks created meanwhile",
        ),
        Measure(
            "task created, its fee booked, while everybody is paid",
            place.kind,
            f"p95 {ms(lag)}",
            target="<= 1 s",
            ok=lag <= 1,
            note=f"median {ms(median(feeder.lags))}",
        ),
    ]


class _Feeder:
    """Creates a task each 50 ms, and notes how long after the commit its fee is in the books."""

    def __init__(self, app: Flask) -> None:
        self.database = database_of(app)
        self.lags: list[float] = []
        self._waiting: dict[UUID, float] = {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        with self.database.reading() as session:
            people = select(Account.person_id).order_by(Account.id).limit(50)
            self._people = session.scalars(people).all()

    def __enter__(self) -> "_Feeder":
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def run(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            with transaction("tasks") as session:
                wording = Wording("feed the parrot at night")
                task = tasks.create_task(session, wording, by=self._people[0]).id
            with self._lock:
                self._waiting[task] = time.perf_counter()
            time.sleep(PACE)

    def settle(self) -> None:
        """Wait until all of it is booked."""
        until = time.perf_counter() + 60
        while self._waiting and time.perf_counter() < until:
            time.sleep(0.05)
        assert not self._waiting, "what was created is not booked"

    def _look(self) -> None:
        while not self._over.wait(0.01):
            with self._lock:
                waiting = dict(self._waiting)
            if not waiting:
                continue
            with self.database.reading() as session:
                found = _booked(session, list(waiting))
            now = time.perf_counter()
            with self._lock:
                self.lags += [now - self._waiting.pop(task) for task in found]


def _booked(session: Session, found: Sequence[UUID]) -> Sequence[UUID]:
    return session.scalars(
        select(Entry.source_id).where(
            Entry.kind == "fee", Entry.source_no == 1, Entry.source_id.in_(found)
        )
    ).all()


# --- the books ------------------------------------------------------------------------------------


def _owe_everybody(database: Database) -> None:
    """Whoever is below $100 comes above it, so that everybody is paid."""
    with database.reading() as session:
        people = session.execute(
            select(Account.person_id, Account.balance_cents).order_by(Account.id)
        ).all()
    for first in range(0, len(people), BATCH):
        with database.transaction() as session:
            posting = Posting(session, books())
            for person, cents in people[first : first + BATCH]:
                more = min(1_000_000, max(10_000, 10_000 - cents))
                posting.adjust(ids.new(), to=person, amount_cents=more)
            posting.flush()
            approve(session, posting)


def _post_fees(database: Database, count: int) -> None:
    with database.reading() as session:
        people = session.scalars(select(Account.person_id).limit(1000)).all()
    for first in range(0, count, BATCH):
        with database.transaction() as session:
            posting = Posting(session, books())
            for number in range(first, min(first + BATCH, count)):
                meta = Meta(
                    id=ids.new(), source="tasks", key="", key_version=1, occurred_at=clock.now()
                )
                posting.fee(ids.new(), 1, to=people[number % len(people)], cause=meta)
            posting.flush()


def _count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.max(Entry.entry_no))) or 0


# --- by itself ------------------------------------------------------------------------------------


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", default="", help="address of a company that is there")
    parser.add_argument("--on", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--tasks", type=int, default=3_400_000)
    parser.add_argument("--days", type=int, default=90)
    asked = parser.parse_args()
    effort = Effort(Size(asked.people, asked.tasks, asked.days), day=min(100_000, asked.tasks // 3))
    with folder() as home_, places((asked.on,), home_) as (place,):
        data = home_ / "data"
        data.mkdir()
        for each in measure(place, data, effort, asked.large):
            print("\n".join(lines([each])[2:]), flush=True)


if __name__ == "__main__":
    main()
