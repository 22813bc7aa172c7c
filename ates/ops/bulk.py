"""A large company at once: every part writes its own tables from one chronicle."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import update

from ates.config import Config
from ates.contracts.chronicle import Chapter, Chronicle, Size
from ates.kernel import clock, ids
from ates.kernel.bulk import Loader, Scribe, loading, measure
from ates.kernel.context import Context
from ates.kernel.db import database, patient
from ates.kernel.delivery import ensure_consumers
from ates.kernel.tables import consumer, log_head

SEED = 25

Tell = Callable[[str, int, int], None]  # what is being done, how much of it, of how much


@dataclass(frozen=True)
class Made:
    """What there is now."""

    people: int
    tasks: int
    days: int
    rows: int
    events: int  # that would have been said; the log begins behind them
    seconds: float

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 1)}

    def text(self) -> str:
        return (
            f"The large company is there: {self.people:,} people, {self.tasks:,} tasks,"
            f" {self.days:,} days, {self.rows:,} rows; {self.seconds:.0f} s. Sign in as"
            " admin-1@popug.example with popug-admin, and so on for each role."
        )


def make(size: Size, tell: Tell = lambda *_: None) -> Made:
    """Fill the application's database, which has to be empty (ops.demo.refuse asks).

    The log is as if it had been pruned: it begins behind everything that is told here, so nothing
    of it can be heard again, and `verify` compares what was said afterwards.
    """
    began = clock.monotonic()
    config: Config = current_app.extensions["ates.config"]
    chronicle = Chronicle(size, ZoneInfo(config.timezone), clock.now())
    database("ops").close()  # else it stands in its own way
    with patient("ops") as whole, ids.seeded(SEED), _no_rest():
        ensure_consumers(whole, list(current_app.extensions["ates.inboxes"].values()))
        with loading(whole, _tables()) as loader:
            events = _tell_all(loader, chronicle, tell)
            tell("keys and indexes", size.days, size.days)
        measure(whole)
    rows, seconds = loader.rows, clock.monotonic() - began
    return Made(size.people, size.tasks, size.days, rows, events, seconds)


def _tell_all(loader: Loader, chronicle: Chronicle, tell: Tell) -> int:
    """Every scribe hears the whole story; how many events it would have taken."""
    scribes = [part.bulk(loader, chronicle) for part in _parts() if part.bulk is not None]
    for scribe in scribes:
        scribe.begin()
    for number, day in enumerate(chronicle.chapters()):
        tell(str(day.day), number, chronicle.size.days)
        _tell_day(scribes, day)
    for scribe in scribes:
        scribe.end()
    events = sum(scribe.said for scribe in scribes)
    session = loader.session
    session.execute(update(log_head).values(position=events, floor=events))
    session.execute(update(consumer).values(position=events, moved_at=clock.now()))
    return events


def _tell_day(scribes: Sequence[Scribe], day: Chapter) -> None:
    for scribe in scribes:
        scribe.open(day)
    for page in day.pages:
        for scribe in scribes:
            scribe.book(page)
        for scribe in scribes:
            scribe.write(page)
    for scribe in scribes:
        scribe.settle(day)
    for scribe in scribes:
        scribe.close(day)


def _tables() -> list[str]:
    tables = (part.tables.tables for part in _parts() if part.bulk is not None)
    return list(chain.from_iterable(tables))


def _parts() -> Sequence[Context]:
    found: Sequence[Context] = current_app.extensions["ates.contexts"]
    return found


@contextmanager
def _no_rest() -> Iterator[None]:
    """Millions of objects come and go, and none stays in a circle: looking for circles is waste."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
