"""Consumers: what a part hears, and how the log reaches it, each effect exactly once."""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from flask import Flask
from sqlalchemy import case, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ates.kernel import clock, driver, generations, parking
from ates.kernel.db import Database
from ates.kernel.envelope import Stored
from ates.kernel.errors import Corrupt, UnknownEvent, is_outage
from ates.kernel.events import Hand, attach, caused, contracts, parse
from ates.kernel.inbox import Inbox
from ates.kernel.log import Place, following, halves, sequence
from ates.kernel.tables import LOCKS, MOVE, OWN_LOG, consumer

log = logging.getLogger(__name__)

BATCH = 500
# Handlers ask by keys. A plan made for a short table must not read it whole when it is long.
BY_KEY = "SET LOCAL enable_seqscan = off"
DRY: Final = "dry"  # everything is handled
MORE: Final = "more"  # time is over, work is left
STORM = 20  # more culprits in one batch are a bug of the code, not poison


def init_app(app: Flask, inboxes: Sequence[Inbox]) -> None:
    app.extensions["ates.inboxes"] = {inbox.name: inbox for inbox in inboxes}


class Storm(Exception):
    """So many events of a batch fail that the code must be wrong; nothing is parked."""


@dataclass
class Stats:
    """What a drain did."""

    handled: int = 0
    parked: int = 0
    retried: int = 0
    outages: int = 0
    storms: int = 0
    size: int = BATCH


@dataclass
class Drain:
    """Moves one consumer on. Every step is a method, so that tests can break it anywhere."""

    database: Database
    inbox: Inbox
    name: str = ""  # of the consumer row; without one it follows the live generation
    storm: int = STORM
    skip_locked: bool = False  # only the sweep may pass over a consumer that another one drains
    stats: Stats = field(default_factory=Stats)

    def __post_init__(self) -> None:
        self.follows = self.inbox.rebuildable and not self.name
        self.name = self.name or self.inbox.name

    # --- the loop -------------------------------------------------------------------------------

    def run(self, seconds: float = 10, stop: Callable[[], bool] = lambda: False) -> str:
        """Sequence, deliver and retry until nothing is left (DRY) or the time is over (MORE).

        Raises what `is_outage` calls an outage, Storm, and Corrupt: the caller backs off.
        """
        until, held = clock.monotonic() + seconds, 0.0
        while clock.monotonic() < until and not stop():
            started = clock.monotonic()
            if sequence(self.database) + self.batch() + self.retry() == 0:
                return DRY
            held += clock.monotonic() - started
            if self.database.is_sqlite and held > 0.05:
                # SQLite has one writer: give waiting requests their turn.
                clock.sleep(0.005)
                held = 0.0
        return MORE

    def batch(self) -> int:
        """Deliver the next batch: effects and position in one transaction. How many were taken."""
        started = clock.monotonic()
        try:
            with _uncollected(), self.transaction() as session:
                rows = self.take(session)
                if not rows:
                    return 0
                stuck = parking.stuck(session, self.name, rows)
                some = stuck.since or stuck.skipped
                free = [row for row in rows if not stuck.holds(row)] if some else rows
                self.apply(session, free)
                if len(free) < len(rows):
                    self.block(session, [row for row in rows if stuck.holds(row)])
                self.move(session, rows[-1])
        except Corrupt as error:
            self.pause(str(error))
            raise
        except Exception as error:
            if is_outage(error):
                self.stats.outages += 1
                raise
            log.info("%s: a batch failed (%s), event by event now", self.name, type(error).__name__)
            return self.careful()
        self.stats.handled += len(free)
        self._end(rows, clock.monotonic() - started)
        return len(rows)

    def careful(self) -> int:
        """The batch again by halves, each with a fresh unit: park what fails, keep the rest."""
        started = clock.monotonic()
        with self.transaction() as session:
            rows = self.take(session)
            if not rows:
                return 0
            care = _Care(self, session, parking.stuck(session, self.name, rows))
            halves(session, rows, care.attempt, care.culprit)
            waiting = care.waiting(rows)
            self.block(session, [row for row in rows if row.position in waiting])
            self.move(session, rows[-1])
        self.stats.handled += len(care.done)
        self.stats.parked += len(care.culprits)
        self._end(rows, clock.monotonic() - started)
        return len(rows)

    def retry(self) -> int:
        """Try the due heads of parked streams, each event in a savepoint. How many succeeded."""
        if not parking.any_due(self.database, self.name):
            return 0
        with self.transaction() as session:
            if not self.lock(session):
                return 0
            tried = parking.retry(session, self.name, lambda row: self.apply(session, [row]))
        self.stats.retried += tried
        return tried

    # --- the steps ------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with self.database.begun() as session:
            if self.follows:
                self.name = generations.live(session, self.inbox.name)
            if self.inbox.rebuildable:
                session.info["silent"] = self.inbox.name
            session.info["consumer"] = self.name
            if not self.database.is_sqlite:
                driver.send(session, BY_KEY)
            yield session

    def lock(self, session: Session) -> Sequence[Place]:
        """Lock all rows of the consumer, so that one drain moves it at a time."""
        rows = LOCKS[self.skip_locked].run(session, consumer=self.name).fetchall()
        return [Place(log, to) for log, to, mode in rows if mode in ("live", "rebuild")]

    def take(self, session: Session) -> Sequence[Stored]:
        """The next events after the position, checked to be without a hole."""
        for place in self.lock(session):
            if rows := following(session, place.log, place.position, self.stats.size):
                return rows
        return []

    def apply(self, session: Session, rows: Sequence[Stored]) -> None:
        """Hand the events to their handlers, through one fresh unit that is flushed once."""
        handlers, hand = self.inbox.handlers(), Hand()
        unit = self.inbox.unit(session)
        with caused(hand):
            for row in rows:
                handler = handlers.get(row.type)
                if handler is None:
                    if row.type in contracts:
                        continue  # known, but not heard: not even read
                    raise UnknownEvent(f"{row.type} version {row.version} is not known here")
                event = parse(row.type, row.version, row.data, row.key_version)
                hand.meta = row
                handler(unit, attach(event, row))
        unit.flush()

    def block(self, session: Session, rows: Sequence[Stored]) -> None:
        """Set aside what stands behind a parked event of its stream."""
        parking.block(session, self.name, rows)

    def move(self, session: Session, last: Stored) -> None:
        """The position moves in the transaction of the effects."""
        MOVE.run(session, consumer=self.name, of=last.log, to=last.position, now=clock.now())

    def pause(self, reason: str) -> None:
        """Stop this consumer until a person has looked; a rebuild nobody reads is only told."""
        log.error("%s is paused: %s", self.name, reason)
        stopped = case((consumer.c.mode == "live", "paused"), else_=consumer.c.mode)
        with self.database.transaction() as session:
            session.execute(
                update(consumer)
                .where(consumer.c.name == self.name)
                .values(mode=stopped, last_error=reason, paused_by=None, paused_at=clock.now())
            )

    def note(self, error: BaseException) -> None:
        """Keep the reason why the consumer does not move, for `flask events status`."""
        with self.database.transaction() as session:
            session.execute(
                update(consumer)
                .where(consumer.c.name == self.name)
                .values(last_error=f"{type(error).__name__}: {error}"[:500])
            )

    def _end(self, rows: Sequence[Stored], seconds: float) -> None:
        """A transaction stays short: 50 ms on SQLite with its one writer, else 250 ms."""
        said = {"consumer": self.name, "events": len(rows), "position": rows[-1].position}
        log.info("batch", extra={**said, "ms": round(seconds * 1000, 1)})
        limit = 0.05 if self.database.is_sqlite else 0.25
        if seconds > limit:
            self.stats.size = max(self.stats.size // 2, 16)
        else:
            self.stats.size = min(self.stats.size * 2, BATCH)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for circles of garbage after a batch, not thirty times in it: it makes none itself."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Care:
    """What happened to each row of a batch that is done by halves."""

    def __init__(self, drain: Drain, session: Session, stuck: parking.Stuck) -> None:
        self.drain, self.session, self.stuck = drain, session, stuck
        self.done: set[int] = set()
        self.culprits: set[int] = set()

    def attempt(self, rows: Sequence[Stored]) -> None:
        free = [row for row in rows if not self.stuck.holds(row)]
        self.drain.apply(self.session, free)
        self.done.update(row.position for row in free)

    def culprit(self, row: Stored, error: Exception) -> None:
        self.culprits.add(row.position)
        if len(self.culprits) > self.drain.storm:
            self.drain.stats.storms += 1
            raise Storm(
                f"more than {self.drain.storm} events of one batch fail, the last with"
                f" {type(error).__name__}: {error}"
            ) from error
        parking.park(self.session, self.drain.name, row, error)
        self.stuck.add(row)
        where = {"consumer": self.drain.name, "position": row.position, "event": str(row.id)}
        log.warning("%s is parked: %s", row.type, error, extra=where)

    def waiting(self, rows: Sequence[Stored]) -> set[int]:
        return {row.position for row in rows} - self.done - self.culprits


def ensure_consumers(database: Database, inboxes: Sequence[Inbox]) -> None:
    """A new consumer starts at the log's beginning; what is unknown no more is due again."""
    make = sqlite_insert if database.is_sqlite else pg_insert
    for inbox in inboxes:
        with database.transaction() as session:
            known = session.scalars(select(consumer.c.name).where(generations.family(inbox.name)))
            names = sorted(set(known)) or [inbox.name]
            if names == [inbox.name]:  # of a later generation the first may be long gone
                session.execute(
                    make(consumer)
                    .values(name=inbox.name, log=OWN_LOG, position=0, mode="live")
                    .on_conflict_do_nothing()
                )
            for name in names:
                parking.revive(session, name)


def drain_all(database: Database, inboxes: Sequence[Inbox], seconds: float = 60) -> bool:
    """Drain every consumer until none has anything left; whether that was reached in time.

    Events of one part make others speak, so the round is repeated until all are dry.
    """
    ensure_consumers(database, inboxes)
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        if all(_was_dry(Drain(database, inbox)) for inbox in inboxes):
            return True
    return False


def _was_dry(drain: Drain) -> bool:
    stats = drain.stats
    return drain.run() == DRY and stats.handled + stats.parked + stats.retried == 0
