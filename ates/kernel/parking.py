"""Parked events: a failing event waits with its stream, all others flow."""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from ates.kernel import clock, history, ids
from ates.kernel.db import Database
from ates.kernel.envelope import Stored, stored
from ates.kernel.errors import Hopeless, is_outage
from ates.kernel.events import readable
from ates.kernel.tables import PASSED, event_log, parked
from ates.kernel.worded import Worded

ATTEMPTS = 10  # then a person decides: dead after about 17 minutes
STREAMS_AT_ONCE = 20
ROWS_AT_ONCE = 100


# Whether anything of a consumer waits, or was given up in a range: asked with each batch.
ANY = Worded(
    select(
        select(parked)
        .where(
            parked.c.consumer == bindparam("of"),
            or_(
                parked.c.status != "skipped",
                and_(
                    parked.c.log == bindparam("at"),
                    parked.c.position.between(bindparam("first"), bindparam("last")),
                ),
            ),
        )
        .exists()
    )
)


@dataclass
class Stuck:
    """Which streams of a batch wait, and from which position on."""

    since: dict[tuple[str, str], int] = field(default_factory=dict)
    skipped: frozenset[int] = frozenset()  # set aside and given up before they were read

    def holds(self, row: Stored) -> bool:
        if row.position in self.skipped:
            return True
        since = self.since.get((row.source, row.key))
        return since is not None and row.position >= since

    def add(self, row: Stored) -> None:
        self.since.setdefault((row.source, row.key), row.position)


def stuck(session: Session, consumer: str, rows: Sequence[Stored]) -> Stuck:
    """The streams of these rows that have a parked event which is not skipped."""
    ends = {"first": rows[0].position, "last": rows[-1].position}
    if not ANY.run(session, of=consumer, at=rows[0].log, **ends).fetchone()[0]:
        return Stuck()
    waits = and_(parked.c.consumer == consumer, parked.c.status != "skipped")
    given_up = and_(
        parked.c.consumer == consumer,
        parked.c.log == rows[0].log,
        parked.c.position.between(rows[0].position, rows[-1].position),
        parked.c.status == "skipped",
    )
    skipped = frozenset(session.scalars(select(parked.c.position).where(given_up)))
    found = session.execute(
        select(parked.c.source, parked.c.key, func.min(parked.c.position).label("since"))
        .where(waits, parked.c.key.in_({row.key for row in rows}))
        .group_by(parked.c.source, parked.c.key)
    )
    return Stuck({(row.source, row.key): row.since for row in found}, skipped)


def park(session: Session, consumer: str, row: Stored, error: Exception) -> None:
    """Set one failed event aside; it is tried again by itself, unless it is hopeless."""
    now = clock.now()
    session.execute(
        insert(parked).values(
            consumer=consumer,
            log=row.log,
            position=row.position,
            source=row.source,
            key=row.key,
            attempts=1,
            first_failed_at=now,
            **_verdict(error, 1, now),
        )
    )
    history.failed(session, consumer, row, error, 1)


def block(session: Session, consumer: str, rows: Sequence[Stored]) -> None:
    """Set events aside that stand behind a parked one; what is parked already stays as it is."""
    if not rows:
        return
    there = set(
        session.scalars(
            select(parked.c.position).where(
                parked.c.consumer == consumer,
                parked.c.log == rows[0].log,
                parked.c.position.in_([row.position for row in rows]),
            )
        )
    )
    values = [
        {
            "consumer": consumer,
            "log": row.log,
            "position": row.position,
            "source": row.source,
            "key": row.key,
            "status": "blocked",
            "attempts": 0,
        }
        for row in rows
        if row.position not in there
    ]
    if values:
        session.execute(insert(parked), values)


def any_due(database: Database, consumer: str) -> bool:
    """Whether a parked event may be tried again now. A plain read."""
    with database.reading() as session:
        return bool(session.scalar(select(select(parked).where(_due(consumer)).exists())))


def retry(session: Session, consumer: str, apply: Callable[[Stored], None]) -> int:
    """Try at most 20 due streams from their heads on, each event in a savepoint.

    How many events succeeded or were counted as a failure. An outage is raised and counts nothing.
    """
    streams = session.execute(
        select(parked.c.source, parked.c.key)
        .where(_due(consumer))
        .group_by(parked.c.source, parked.c.key)
        .order_by(func.min(parked.c.next_at))
        .limit(STREAMS_AT_ONCE)
    ).all()
    return sum(_retry_stream(session, consumer, tuple(stream), apply) for stream in streams)


def _due(consumer: str) -> Any:
    return and_(
        parked.c.consumer == consumer,
        parked.c.status == "retry",
        parked.c.next_at <= clock.now(),
        PASSED,
    )


def _retry_stream(
    session: Session, consumer: str, stream: tuple[Any, ...], apply: Callable[[Stored], None]
) -> int:
    rows = _rows(session, consumer, stream, ROWS_AT_ONCE + 1)
    tried = 0
    for row in rows[:ROWS_AT_ONCE]:
        if row.status == "dead":  # set aside by hand behind the head: a person decides
            return tried
        tried += 1
        try:
            with session.begin_nested():
                apply(stored(row))
                session.execute(delete(parked).where(at(consumer, row)))
                if row.status == "retry":
                    history.handled(session, consumer, row, row.attempts + 1)
        except Exception as error:
            if is_outage(error):
                raise
            now, attempts = clock.now(), row.attempts + 1
            session.execute(
                update(parked)
                .where(at(consumer, row))
                .values(
                    attempts=attempts,
                    first_failed_at=row.first_failed_at or now,
                    **_verdict(error, attempts, now),
                )
            )
            history.failed(session, consumer, row, error, attempts)
            return tried
    if len(rows) > ROWS_AT_ONCE and rows[ROWS_AT_ONCE].status != "dead":
        session.execute(
            update(parked)
            .where(at(consumer, rows[ROWS_AT_ONCE]))
            .values(status="retry", next_at=clock.now())
        )
    return tried


def _rows(
    session: Session, consumer: str, stream: tuple[Any, ...], limit: int
) -> Sequence[Row[Any]]:
    """The parked events of a stream from its head on, with what the log says of them."""
    return session.execute(
        select(event_log, parked.c.status, parked.c.attempts, parked.c.first_failed_at)
        .join(
            parked,
            and_(parked.c.log == event_log.c.log, parked.c.position == event_log.c.position),
        )
        .where(
            parked.c.consumer == consumer,
            tuple_(parked.c.source, parked.c.key) == stream,
            parked.c.status != "skipped",
            PASSED,
        )
        .order_by(parked.c.position)
        .limit(limit)
    ).all()


def give_up(session: Session, consumer: str, row: Row[Any], *, by: str, reason: str) -> None:
    """Leave a parked event out for ever: what it should cause will not happen. The next falls due.

    The consumer's rows are locked by the caller: a retry under way must not apply it.
    """
    now = clock.now()
    session.execute(
        update(parked)
        .where(at(consumer, row))
        .values(status="skipped", next_at=None, decided_by=by, decided_at=now, reason=reason)
    )
    following = (
        select(func.min(parked.c.position))
        .where(
            parked.c.consumer == consumer,
            parked.c.source == row.source,
            parked.c.key == row.key,
            parked.c.status != "skipped",
        )
        .scalar_subquery()
    )
    session.execute(
        update(parked)
        .where(
            parked.c.consumer == consumer,
            parked.c.log == row.log,
            parked.c.position == following,
            parked.c.status == "blocked",  # a dead one, set aside by hand, stays dead
        )
        .values(status="retry", next_at=now)
    )


def at(consumer: str, row: Any) -> Any:
    return and_(
        parked.c.consumer == consumer, parked.c.log == row.log, parked.c.position == row.position
    )


def _verdict(error: Exception, attempts: int, now: datetime) -> dict[str, Any]:
    dead = attempts >= ATTEMPTS or isinstance(error, Hopeless)
    pause = min(3600.0, 2.0 * 2 ** (attempts - 1)) * ids.between(0.5, 1.5)
    return {
        "status": "dead" if dead else "retry",
        "next_at": None if dead else now + timedelta(seconds=pause),
        "error_class": type(error).__name__,
        "error": str(error)[:2000],
        "fingerprint": fingerprint(error),
    }


def fingerprint(error: Exception) -> str:
    """The same for errors that differ in numbers and ids only."""
    first = (str(error).splitlines() or [""])[0]
    plain = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "#", first)
    return hashlib.sha256(f"{type(error).__name__}:{plain}".encode()).hexdigest()[:12]


def revive(session: Session, consumer: str) -> int:
    """Make due what was parked as unknown and can be read by today's code."""
    rows = session.execute(
        select(parked.c.log, parked.c.position, event_log.c.type, event_log.c.version)
        .join(
            event_log,
            and_(parked.c.log == event_log.c.log, parked.c.position == event_log.c.position),
        )
        .where(parked.c.consumer == consumer, parked.c.error_class == "UnknownEvent")
    ).all()
    known = [row for row in rows if readable(row.type, row.version)]
    for row in known:  # once per deployment, and few
        session.execute(
            update(parked)
            .where(at(consumer, row), parked.c.status.in_(("retry", "dead")))
            .values(status="retry", attempts=0, next_at=clock.now())
        )
    return len(known)
