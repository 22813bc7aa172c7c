"""A million entries as one file, through the real web server, in flat memory."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from ates.app import create_app
from ates.contracts.chronicle import Size
from ates.ops import bulk
from tests.engines.company import enter
from tests.engines.house import House
from tests.engines.marks import both
from tests.engines.settings import trial

ENTRIES = 1_000_000
SIZE = Size(people=500, tasks=330_000, days=20)
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
    with asking(house, cookie, "/accounting/export.csv", status=404):
        pass  # the first pages are drawn: what is loaded once is loaded
    with asking(house, cookie, "/accounting/me/export.csv?dialect=plain") as answer:
        answer.read()
    begin, peak, lines, last, began = resident(web), 0.0, 0, b"", time.monotonic()
    with asking(house, cookie, "/accounting/entries/export.csv?dialect=plain") as answer:
        while piece := answer.read(1 << 20):
            lines += piece.count(b"\r\n")
            last = (last + piece)[-200:]
            peak = max(peak, resident(web))
    seconds = time.monotonic() - began
    entries = house.one("SELECT count(*) FROM accounting_entry")
    print(
        f"\n{backend}: {entries:,} entries in {seconds:.0f} s, {entries / seconds:,.0f} a second;"
        f" {begin:.0f} MB before, {peak:.0f} MB at most"
    )
    assert entries >= ENTRIES
    assert lines == entries + 2
    assert last.rpartition(b"total,")[2].startswith(str(entries).encode())
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
    """The large company; gives the cookie of an accountant."""
    app = create_app(trial(folder, house.database_url))
    with app.app_context():
        bulk.make(SIZE)
    return cookie_of(app)


def cookie_of(app: Flask) -> str:
    client = enter(app, "accountant-1@popug.example")
    app.extensions["ates.database"].close()
    found = client.get_cookie("ates_session")
    assert found is not None
    return f"{found.key}={found.value}"


@contextmanager
def asking(
    house: House, cookie: str, path: str, status: int = 200
) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=120)
    try:
        connection.request("GET", path, headers={"Cookie": cookie})
        answer = connection.getresponse()
        assert answer.status == status, answer.read()
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
