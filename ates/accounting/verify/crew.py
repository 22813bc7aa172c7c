"""The chain by ranges of blocks in several processes, each with a snapshot of its own.

Below the head that the asking snapshot sees nothing changes any more: each range may be looked at
at another moment (books.md, 14).
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, pairwise
from multiprocessing import get_context
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from ates.accounting.keyring import Books
from ates.accounting.models import Block
from ates.accounting.verify.blocks import Inspection, Progress
from ates.accounting.verify.difference import Difference
from ates.kernel.db import LONG, Database

SHOWN = 100
LEAST = 100_000  # entries; fewer are done before a second process has begun
RANGE = 200_000  # entries
AWAKE = 60.0  # seconds; a snapshot that says nothing for minutes is taken away


@dataclass(frozen=True)
class Crew:
    """Who helps, and where they look. An address in memory has no second process."""

    url: str
    unsafe: bool
    processes: int
    least: int = LEAST
    range: int = RANGE

    @classmethod
    def of(cls, database: Database, processes: int | None = None) -> "Crew":
        """All processors that this process may use."""
        url = database.url.render_as_string(hide_password=False)
        return cls(url, database.unsafe, processes or _processors())

    def worth(self, session: Session, begin: int, end: int) -> bool:
        """Whether there is enough between these blocks for more than one."""
        return self.processes > 1 and _entries(session, begin, end) > self.least


@dataclass
class Shift:
    """A proof under way: the ranges that are out."""

    total: int
    futures: Sequence[Future["Part"]] = ()
    done: int = 0
    parts: list["Part"] = field(default_factory=list)

    def collect(self, session: Session, progress: Progress) -> list["Part"]:
        """Wait for all of them, in order. Raises what a worker raised, also that it died."""
        left = set(self.futures)
        while left:
            ready, left = wait(left, timeout=AWAKE, return_when=FIRST_COMPLETED)
            self.done += sum(each.result().entries for each in ready)
            progress(self.done, self.total)
            session.execute(select(literal(1)))
        return [each.result() for each in self.futures]


@dataclass(frozen=True)
class Part:
    """What a worker found in its range."""

    entries: int
    block_no: int
    differences: list[Difference]


@contextmanager
def at_work(
    crew: Crew, session: Session, books: Books, begin: int, end: int, all_drawn: bool
) -> Iterator[Shift]:
    """Send the ranges between two blocks out; the caller does the sums meanwhile."""
    borders = _borders(session, begin, end, crew.range)
    shift = Shift(_entries(session, begin, end))
    pool = ProcessPoolExecutor(
        min(crew.processes, len(borders) - 1),
        mp_context=get_context("spawn"),  # a fork would inherit connections
    )
    try:
        shift.futures = [
            pool.submit(inspect, crew.url, crew.unsafe, books, (after, until), all_drawn)
            for after, until in pairwise(borders)
        ]
        yield shift
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def inspect(
    url: str, unsafe: bool, books: Books, between: tuple[int, int], all_drawn: bool
) -> Part:
    """A worker's whole life: its own engine, its own snapshot, one range."""
    database = Database(url, LONG, unsafe=unsafe)
    try:
        with database.reading() as session:
            inspection = Inspection.after(session, books, between[0], all_drawn=all_drawn)
            found = list(islice(inspection.run(between[1]), SHOWN))
            return Part(inspection.entries, inspection.block_no, found)
    finally:
        database.close()


def _processors() -> int:
    """Those this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _entries(session: Session, begin: int, end: int) -> int:
    return max(0, _last_entry(session, end) - _last_entry(session, begin))


def _last_entry(session: Session, block_no: int) -> int:
    found = session.scalar(select(func.max(Block.last_entry_no)).where(Block.block_no == block_no))
    return found or 0


def _borders(session: Session, begin: int, end: int, size: int) -> list[int]:
    """Blocks at which the ranges meet, about so many entries apart."""
    first, last = _last_entry(session, begin), _last_entry(session, end)
    found: list[Any] = [begin]
    for entry_no in range(first + size, last, size):
        found.append(
            session.scalar(
                select(Block.block_no)
                .where(Block.last_entry_no <= entry_no)
                .order_by(Block.last_entry_no.desc())
                .limit(1)
            )
        )
    return sorted({each for each in (*found, end) if each is not None and begin <= each <= end})
