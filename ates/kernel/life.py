"""Signs of life in the database: which workers there are, what they do, how fast consumers go."""

import logging
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import current_app, has_app_context
from sqlalchemy import delete, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.errors import is_outage
from ates.kernel.tables import consumer, log_head, pace, worker

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between two beats
SILENT = timedelta(seconds=30)  # then a worker counts as gone
GONE = timedelta(minutes=10)  # then nobody speaks of it any more
PACE_KEPT = timedelta(minutes=5)
WAITING = "waiting"


@dataclass
class Life:
    """One worker process; it tells the database every few seconds that it is there."""

    database: Database
    kind: str  # events, mail
    version: str
    failed_rings: Callable[[], int] = lambda: 0
    doing: str = WAITING  # or what a job is called: "drain accounting", "send"
    host: str = field(default_factory=platform.node)
    pid: int = field(default_factory=os.getpid)
    since: datetime = field(default_factory=clock.now)
    _beaten: float = float("-inf")
    _greeted: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}@{self.host}:{self.pid}"

    def beat(self) -> None:
        """Write the row, at most every few seconds. A database that is away is left alone."""
        if clock.monotonic() - self._beaten < EVERY:
            return
        self._beaten = clock.monotonic()
        try:
            with self.database.transaction() as session:
                self._write(session)
        except Exception as error:
            level = logging.INFO if is_outage(error) else logging.ERROR
            log.log(level, "no sign of life could be written: %s", error)

    def end(self) -> None:
        """Take the row back: this worker stops because it was told to."""
        try:
            with self.database.transaction() as session:
                session.execute(delete(worker).where(worker.c.name == self.name))
        except Exception as error:
            if not is_outage(error):
                raise

    def _write(self, session: Session) -> None:
        now = clock.now()
        changing = {
            "beat_at": now,
            "doing": self.doing,
            "failed_rings": self.failed_rings(),
            "since": self.since,
            "version": self.version,
        }
        make = sqlite_insert if self.database.is_sqlite else pg_insert
        session.execute(
            make(worker)
            .values(name=self.name, kind=self.kind, host=self.host, pid=self.pid, **changing)
            .on_conflict_do_update(index_elements=[worker.c.name], set_=changing)
        )
        session.execute(delete(worker).where(worker.c.beat_at < now - GONE))
        if not self._greeted:
            self._forget_dead(session)
            self._greeted = True

    def _forget_dead(self, session: Session) -> None:
        """Who was killed on this machine took no row back; its successor does."""
        mine = session.execute(
            select(worker.c.name, worker.c.pid).where(
                worker.c.host == self.host, worker.c.name != self.name
            )
        )
        dead = [row.name for row in mine if not _runs(row.pid)]
        session.execute(delete(worker).where(worker.c.name.in_(dead)))


@contextmanager
def doing(what: str) -> Iterator[None]:
    """While this lasts, the worker at hand says that it does `what`."""
    found = current_app.extensions.get("ates.life") if has_app_context() else None
    if not isinstance(found, Life):
        yield
        return
    found.doing = what
    try:
        yield
    finally:
        found.doing = WAITING


def note_pace(session: Session, at: datetime) -> None:
    """Where each consumer and its log stand now; what is older than some minutes goes."""
    session.execute(delete(pace).where(pace.c.at < at - PACE_KEPT))
    stands = (
        select(
            consumer.c.name,
            consumer.c.log,
            literal(at, pace.c.at.type),
            consumer.c.position,
            log_head.c.position,
        )
        .join(log_head, log_head.c.log == consumer.c.log)
        .where(consumer.c.mode != "retired")
    )
    session.execute(insert(pace).from_select(["consumer", "log", "at", "position", "head"], stands))


def _runs(pid: int) -> bool:
    """Whether a process of this machine has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True
