"""A million entries as one file, through the real web server, in flat memory."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import BigInteger, Insert, cast, insert, literal, select

from ates.accounting.models import Account, BusinessDay, Card, Entry
from ates.accounting.writing import bulk
from ates.app import create_app
from ates.kernel import db
from ates.kernel.types import Day, UTCDateTime
from tests.accounting.hands import unguard
from tests.accounting.make import Office
from tests.engines import people
from tests.engines.house import House
from tests.engines.marks import both
from tests.engines.settings import trial

ENTRIES, ACCOUNTS, TASKS = 1_000_000, 500, 10_000
START = datetime(2026, 11, 24, tzinfo=UTC)
MORE = 64  # MB beyond what the process holds after its first pages
PATIENCE = 900


@both
@pytest.mark.proof
@pytest.mark.timeout(PATIENCE)
def test_a_million_entries_are_a_file_in_flat_memory(
    house: House, tmp_path: Path, backend: str
) -> None:
    """Peak resident memory of the web process; the connection of a reader who left comes back."""
    cookie = fill(house, tmp_path)
    house.start("web")
    web = house.processes["web"].pid
    for path in ("me", "entries/", "me/export.csv?dialect=plain"):
        with asking(house, cookie, f"/accounting/{path}") as answer:
            answer.read()  # what is loaded once is loaded
    begin, peak, lines, last, began = resident(web), 0.0, 0, b"", time.monotonic()
    with asking(house, cookie, "/accounting/entries/export.csv?dialect=plain") as answer:
        while piece := answer.read(1 << 20):
            lines += piece.count(b"\n")
            last = (last + piece)[-200:]
            peak = max(peak, resident(web))
    seconds = time.monotonic() - began
    print(f"\n{backend}: {seconds:.0f} s, {begin:.0f} MB before, {peak:.0f} MB at most")
    assert lines == ENTRIES + 2
    assert last.rpartition(b"total,")[2].startswith(b"1000000,")
    assert peak <= begin + MORE
    for _ in range(4):  # more than are written side by side
        leaves_in_the_middle(house, cookie)


def leaves_in_the_middle(house: House, cookie: str) -> None:
    with asking(house, cookie, "/accounting/entries/export.csv") as answer:
        answer.read(1 << 16)
    house.until(lambda: readers(house) == 0, "the connection comes back", seconds=20)


def readers(house: House) -> int:
    """Connections that are in the middle of something, but for the one that asks."""
    if house.database_url.startswith("sqlite"):
        return 0  # a second file would be refused if the first still took a turn
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return int(house.one(f"{asked} AND state <> 'idle' AND pid <> pg_backend_pid()"))


def fill(house: House, folder: Path) -> str:
    """Books of one long day, written behind everybody's back; the cookie of an accountant."""
    app = create_app(trial(folder, house.database_url))
    with app.app_context(), db.patient("accounting") as whole:
        unguard(Office(whole))
        with whole.transaction() as session:
            bulk(session, BusinessDay, [day_row()])
            bulk(session, Account, [account_row(number + 1) for number in range(ACCOUNTS)])
            bulk(session, Card, [card_row(number + 1) for number in range(TASKS)])
            session.execute(entries())
        visitor = people.sign_in(app, "accountant")
        db.database("accounting").close()
    found = visitor.get_cookie("ates_session")
    assert found is not None
    return f"{found.key}={found.value}"


def day_row() -> dict[str, Any]:
    day = {"business_date": START.date(), "starts_at": START, "ends_at": START + timedelta(days=1)}
    return {**day, "state": "open"}


def account_row(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "person_id": UUID(int=number),
        "balance_cents": 0,
        "last_seq": ENTRIES // ACCOUNTS,
        "opened_at": START,
    }


def card_row(number: int) -> dict[str, Any]:
    return {
        "task_id": UUID(int=number << 64),
        "number": number,
        "title": f"Пересчитать попугаев, take {number}",
        "jira_id": f"POPUG-{number}",
        "description": None,
        "version": 1,
    }


def entries() -> Insert:
    """A million fees, in one statement."""
    numbers = select(literal(0).label("n")).cte(recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < ENTRIES - 1))
    n = cast(numbers.c.n, BigInteger)
    seq = (n - n % ACCOUNTS) / ACCOUNTS + 1
    columns: dict[str, Any] = {
        "entry_no": n + 1,
        "account_id": n % ACCOUNTS + 1,
        "account_seq": cast(seq, BigInteger),
        "kind": literal("fee"),
        "source_id": Card.task_id,
        "source_no": n + 1,
        "amount_cents": literal(-1000),
        "balance_cents": cast(seq, BigInteger) * -1000,
        "business_date": literal(START.date(), Day),
        "occurred_on": literal(START.date(), Day),
        "occurred_at": literal(START, UTCDateTime),
        "posted_at": literal(START, UTCDateTime),
        "event_id": Card.task_id,
    }
    rows = select(*columns.values()).select_from(numbers).join(Card, Card.number == n % TASKS + 1)
    return insert(Entry).from_select(list(columns), rows)


@contextmanager
def asking(house: House, cookie: str, path: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=120)
    try:
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield answer
    finally:
        connection.close()


def resident(pid: int) -> float:
    """MB of the largest process of this tree: the worker that writes."""
    found = [_resident(each) for each in (pid, *_children(pid))]
    return max(found)


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in path.read_text().split()]


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0
