"""What real processes hold in memory: a worker that drains, a web process after many requests."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from ates.auth import service
from ates.auth.models import Person
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel.db import Database, transaction
from ates.kernel.tables import consumer, log_head
from ates.web.identity import cookies_of
from bench.events import Day, fill_log
from bench.places import Place, opened
from bench.table import Measure
from tests.engines.run import free_port
from tests.engines.settings import BOOKS_KEYS, SECRET_KEY, SIGNING_KEY

HOME = Path(__file__).parents[1]
WORKER, WEB = 150, 200  # MB
FLAT = 1.1  # the last third against the second
PATIENCE = 600.0
WEB_COMMAND = (
    "granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 --blocking-threads 4"
    " --no-access-log --log-level warning wsgi:app"
)
PATHS = ("/tasks/mine", "/accounting/me", "/tasks/mine?status=done", "/accounting/me?kind=fee")


def memory(place: Place, data: Path, small: str, events: int, loads: int) -> list[Measure]:
    """Resident memory, from /proc."""
    return [draining(place, data, events), serving(place, data, small, loads)]


def draining(place: Place, data: Path, events: int) -> Measure:
    """`flask worker events` and so many events, sampled until all parts have heard them."""
    url = place.fresh()
    with opened(url, data) as app:
        database: Database = app.extensions["ates.database"]
        fill_log(database, list(Day(min(500, events // 4)).events(events)))
        worker = _start(url, data, "flask --app wsgi.py worker events")
        try:
            seen, until = [], time.monotonic() + PATIENCE
            while time.monotonic() < until and _behind(database):
                seen.append(_resident(worker.pid))
                time.sleep(0.1)
        finally:
            _stop(worker)
    place.drop(url)
    third = max(1, len(seen) // 3)
    before, after = max(seen[third : 2 * third] or seen), max(seen[2 * third :] or seen)
    ok = max(seen) <= WORKER and after <= before * FLAT
    return Measure(
        f"memory of a worker that drains {events:,} events",
        place.kind,
        f"{max(seen):,.0f} MB",
        target=f"flat, <= {WORKER} MB",
        ok=ok,
        note=f"second third {before:,.0f} MB, last third {after:,.0f} MB",
    )


def serving(place: Place, data: Path, url: str, loads: int) -> Measure:
    """A web process after many pages of somebody who is signed in."""
    port, begun = free_port(), 0.0
    with opened(url, data) as app, transaction("auth") as session:
        person = session.scalars(select(Person.id).where(Person.role == Role.EMPLOYEE)).first()
        assert person is not None, "a company has employees"
        config: Config = app.extensions["ates.config"]
        cookie = f"{cookies_of(config).session}={service.open_session(session, person)}"
    web = _start(url, data, WEB_COMMAND.format(port=port))
    try:
        _until_it_answers(port)
        for turn in range(loads):
            path = PATHS[turn % len(PATHS)]
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
            request.add_header("Cookie", cookie)
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 200, answer.status
            if turn == loads // 2:
                begun = _resident(web.pid)
        held = _resident(web.pid)
    finally:
        _stop(web)
    return Measure(
        f"memory of a web process after {loads:,} requests",
        place.kind,
        f"{held:,.0f} MB",
        target=f"<= {WEB} MB",
        ok=held <= WEB,
        note=f"after the first half {begun:,.0f} MB",
    )


def _start(url: str, data: Path, command: str) -> "subprocess.Popen[bytes]":
    """As an installation starts it, without Redis: the sweep finds what there is."""
    environ = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "ATES_DATA": str(data),
        "ATES_DATABASE_URL": url,
        "ATES_SECRET_KEY": SECRET_KEY,
        "ATES_SIGNING_KEY": SIGNING_KEY,
        "ATES_BOOKS_KEYS": BOOKS_KEYS,
    }
    words = [sys.executable, "-m", *command.split()]
    with (data / "processes.log").open("ab") as log:
        return subprocess.Popen(
            words, cwd=HOME, env=environ, stdout=log, stderr=log, start_new_session=True
        )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _resident(pid: int) -> float:
    """MB of the largest process of a family: granian's parent only watches."""
    return max(map(_of_one, [pid, *_children(pid)]))


def _of_one(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = (line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(next(found, "0")) / 1024


def _children(pid: int) -> Sequence[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _behind(database: Database) -> bool:
    with database.reading() as session:
        heads = dict(session.execute(select(log_head.c.log, log_head.c.position)).all())
        rows = session.execute(select(consumer.c.log, consumer.c.position)).all()
    return any(position < heads[log] for log, position in rows)


def _until_it_answers(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz?for=pages", timeout=5):
                return
        except OSError:
            assert time.monotonic() < until, "the web process does not answer"
            time.sleep(0.1)
