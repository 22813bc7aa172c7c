"""Faults planted in the kernel on purpose: each must turn a named property red (events.md, 13)."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import Any

from flask import current_app
from rq.exceptions import DuplicateJobError
from sqlalchemy import BigInteger, Text, cast, func, literal_column, select
from sqlalchemy.orm import Session

from ates.kernel import db, delivery, lag, log, outbox, parking, worker
from ates.kernel.db import Database
from ates.kernel.delivery import BATCH, Drain
from ates.kernel.envelope import stored
from ates.kernel.lag import Unhandled
from ates.kernel.log import following
from ates.kernel.sweep import EventSweep
from ates.kernel.tables import OWN, OWN_LOG, consumer, event_log, log_head
from ates.kernel.tables import outbox as staging
from tests.kernel.faults import replaced


@contextmanager
def position_before_the_effect() -> Iterator[None]:
    def batch(self: Drain) -> int:
        with self.transaction() as session:
            rows = self.take(session)
            if rows:
                self.move(session, rows[-1])
        with self.transaction() as session:
            self.apply(session, rows)
        return len(rows)

    with replaced(Drain, "batch", batch):
        yield


@contextmanager
def position_in_a_second_transaction() -> Iterator[None]:
    def batch(self: Drain) -> int:
        with self.transaction() as session:
            rows = self.take(session)
            self.apply(session, rows)
        with self.transaction() as session:
            if rows:
                self.move(session, rows[-1])
        return len(rows)

    with replaced(Drain, "batch", batch):
        yield


@contextmanager
def no_consumer_lock() -> Iterator[None]:
    """On SQLite BEGIN IMMEDIATE is the lock: there the position is read before it."""

    def take(self: Drain, session: Session) -> Sequence[Any]:
        return getattr(self, "_rows", ())

    def batch(self: Drain) -> int:
        with self.database.reading() as reader:
            at = reader.scalar(select(consumer.c.position).where(consumer.c.name == self.name))
            rows = following(reader, OWN_LOG, at or 0, BATCH)
        if not rows:
            return 0
        with self.transaction() as session:
            self.apply(session, rows)
            self.move(session, rows[-1])
        return len(rows)

    with replaced(Drain, "take", take), replaced(Drain, "batch", batch):
        yield


@contextmanager
def no_savepoint() -> Iterator[None]:
    def halves(session: Session, rows: Any, attempt: Any, culprit: Any) -> None:
        try:
            attempt(rows)
        except Exception as error:
            if len(rows) == 1:
                culprit(rows[0], error)
            else:
                middle = len(rows) // 2
                halves(session, rows[:middle], attempt, culprit)
                halves(session, rows[middle:], attempt, culprit)

    with replaced(delivery, "halves", halves):
        yield


@contextmanager
def no_parking() -> Iterator[None]:
    with replaced(parking, "park", lambda *_: None):
        yield


@contextmanager
def blocked_events_pass() -> Iterator[None]:
    with replaced(parking.Stuck, "holds", lambda self, row: False):
        yield


@contextmanager
def staging_read_by_seq() -> Iterator[None]:
    cursor = [0]

    def read(self: Any) -> Any:
        rows = self.session.execute(
            select(staging.c.seq, staging.c.source, staging.c.key)
            .where(staging.c.seq > cursor[0])
            .order_by(staging.c.seq)
        ).all()
        cursor[0] = rows[-1].seq if rows else cursor[0]
        return rows

    with replaced(log._Move, "_read", read):
        yield


@contextmanager
def order_by_xid() -> Iterator[None]:
    move = log._Move._move
    xid = cast(cast(literal_column("outbox.xmin"), Text), BigInteger)

    def read(self: Any) -> Any:
        return self.session.execute(
            select(staging.c.seq, staging.c.source, staging.c.key).order_by(xid, staging.c.seq)
        ).all()

    def one_by_one(self: Any, rows: Sequence[Any]) -> None:
        for row in rows:
            move(self, [row])

    with replaced(log._Move, "_read", read), replaced(log._Move, "_move", one_by_one):
        yield


@contextmanager
def sequencer_without_lock() -> Iterator[None]:
    """On SQLite BEGIN IMMEDIATE is the lock: head and rows are read before it."""

    def sequence(database: Database) -> int:
        with database.reading() as reader:
            head = reader.execute(select(log_head).where(OWN)).one()
            rows = log._Move(reader, head.log, head.position)._read()
        if not rows:
            return 0
        with database.transaction() as session:
            move = log._Move(session, head.log, head.position)
            setattr(move, "_read", lambda: rows)  # noqa: B010 - replacing a method
            return move.run()

    with replaced(log, "sequence", sequence), replaced(delivery, "sequence", sequence):
        yield


def insert_late(events: list[Any], sender: type[Any]) -> None:
    """The event's own transaction."""
    database: Database = current_app.extensions["ates.database"]
    with database.transaction() as session:
        _store(sender, session=session, events=events)


_store = outbox.store


@contextmanager
def store_in_another_transaction() -> Iterator[None]:
    def store(sender: type[Any], *, session: Session, events: list[Any]) -> None:
        session.flush()
        db.after_commit(session, f"store {id(events)}", lambda: insert_late(events, sender))

    with replaced(outbox, "store", store):
        yield


@contextmanager
def store_before_the_flush() -> Iterator[None]:
    def store(sender: type[Any], *, session: Session, events: list[Any]) -> None:
        flush = session.flush
        setattr(session, "flush", lambda: None)  # noqa: B010 - replacing a method
        try:
            with session.no_autoflush:
                _store(sender, session=session, events=events)
        finally:
            setattr(session, "flush", flush)  # noqa: B010 - and putting it back

    with replaced(outbox, "store", store):
        yield


@contextmanager
def events_in_memory() -> Iterator[None]:
    """Kept beside the session and written at the end: savepoints do not take them along."""
    transaction = Database.transaction

    def store(sender: type[Any], *, session: Session, events: list[Any]) -> None:
        session.flush()
        session.info.setdefault("kept", []).append((sender, events))

    @contextmanager
    def ending(self: Database) -> Iterator[Session]:
        with transaction(self) as session:
            yield session
            for sender, events in session.info.pop("kept", ()):
                _store(sender, session=session, events=events)

    with replaced(outbox, "store", store), replaced(Database, "transaction", ending):
        yield


@contextmanager
def no_sweep() -> Iterator[None]:
    with replaced(EventSweep, "__call__", lambda self: None):
        yield


@contextmanager
def outages_parked() -> Iterator[None]:
    with ExitStack() as stack:
        for module in (delivery, log, parking):
            stack.enter_context(replaced(module, "is_outage", lambda error: False))
        yield


@contextmanager
def unhandled_in_two_statements() -> Iterator[None]:
    """The log first, then staging: what moves in between is in neither."""

    def unhandled(session: Session, name: str, instant: datetime) -> Unhandled:
        unread = session.execute(
            select(func.count())
            .select_from(event_log)
            .join(consumer, consumer.c.log == event_log.c.log)
            .where(consumer.c.name == name, event_log.c.position > consumer.c.position)
        ).scalar_one()
        staged = session.execute(select(func.count()).select_from(staging)).scalar_one()
        return Unhandled(unread + staged, 0)

    with replaced(lag, "unhandled_before", unhandled):
        yield


@contextmanager
def no_gap_check() -> Iterator[None]:
    def take(self: Drain, session: Session) -> Sequence[Any]:
        for place in self.lock(session):
            rows = session.execute(
                select(event_log)
                .where(event_log.c.position > place.position)
                .order_by(event_log.c.position)
            )
            return [stored(row) for row in rows]
        return []

    with replaced(Drain, "take", take):
        yield


@contextmanager
def flag_deleted_after_the_drain() -> Iterator[None]:
    def drain(name: str) -> None:
        inbox = current_app.extensions["ates.inboxes"][name]
        Drain(current_app.extensions["ates.database"], inbox).run()
        worker.bell().heard(worker._connection(), name)

    original = worker.JOBS["drain"]
    worker.JOBS["drain"] = drain
    try:
        yield
    finally:
        worker.JOBS["drain"] = original


@contextmanager
def unique_jobs() -> Iterator[None]:
    """RQ's `unique=True` instead of the flag."""

    def wake(self: worker.Bell, name: str, job: str) -> None:
        queue = worker._queue(worker.EVENTS, self._redis)
        with suppress(DuplicateJobError):
            queue.enqueue(job, name, job_id=name, unique=True, result_ttl=0, failure_ttl=60)

    with replaced(worker.Bell, "_wake", wake):
        yield
