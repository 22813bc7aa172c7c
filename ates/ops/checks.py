"""What must hold of log, positions and parked events, checked on the rows."""

from typing import Any

from sqlalchemy import Row, and_, func, select, true
from sqlalchemy.orm import Session

from ates.kernel.db import Database
from ates.kernel.tables import consumer, event_log, log_head, parked


def verify(database: Database, *, full: bool = True) -> tuple[int, list[str]]:
    """Check what must hold of log, positions and parked events (events.md, P1 to P4).

    The number of events checked and the first hundred differences, each a sentence. Without `full`
    the numbers inside the streams are left out, which need a look at every event.
    """
    found: list[str] = []
    with database.reading() as session:
        count = 0
        for head in session.execute(select(log_head)):
            count += _verify_log(session, head, found)
        if full:
            _verify_streams(session, found)
        _verify_parked(session, found)
    return count, found[:100]


def _verify_log(session: Session, head: Row[Any], found: list[str]) -> int:
    row = session.execute(
        select(
            func.count().label("events"),
            func.min(event_log.c.position).label("first"),
            func.max(event_log.c.position).label("last"),
        ).where(event_log.c.log == head.log)
    ).one()
    last = row.last or head.floor
    if last != head.position:
        found.append(f"log {head.log}: its head says {head.position}, its last event is {last}")
    if row.events != last - head.floor:
        found.append(f"log {head.log}: {last - head.floor - row.events} positions are missing")
    ahead = session.execute(
        select(consumer.c.name, consumer.c.position).where(
            consumer.c.log == head.log, consumer.c.position > head.position
        )
    )
    found += [f"{each.name} stands at {each.position}, past the log's end" for each in ahead]
    return int(row.events)


def _verify_streams(session: Session, found: list[str]) -> None:
    """Each stream's numbers rise by one in the order of positions."""
    before = func.lag(event_log.c.key_version).over(
        partition_by=(event_log.c.source, event_log.c.key),
        order_by=(event_log.c.log, event_log.c.position),
    )
    steps = select(
        event_log.c.source,
        event_log.c.key,
        event_log.c.position,
        event_log.c.key_version,
        func.coalesce(before, 0).label("before"),
    ).subquery()
    pruned = select(func.max(log_head.c.floor)).scalar_subquery()
    wrong = session.execute(
        select(steps)
        .where(
            steps.c.key_version != steps.c.before + 1,
            true() if not _pruned(session) else steps.c.before != 0,
            steps.c.position > pruned,
        )
        .limit(100)
    )
    found += [
        f"{row.source} {row.key}: number {row.key_version} at {row.position} follows {row.before}"
        for row in wrong
    ]


def _pruned(session: Session) -> bool:
    return bool(session.scalar(select(func.max(log_head.c.floor))))


def _verify_parked(session: Session, found: list[str]) -> None:
    lost = session.execute(
        select(parked.c.consumer, parked.c.position)
        .outerjoin(
            event_log,
            and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position),
        )
        .where(event_log.c.position.is_(None))
        .limit(100)
    )
    found += [f"{row.consumer} has parked {row.position}, which the log lacks" for row in lost]
    head = (
        select(
            parked.c.consumer,
            parked.c.source,
            parked.c.key,
            func.min(parked.c.position).label("position"),
        )
        .where(parked.c.status != "skipped")
        .group_by(parked.c.consumer, parked.c.source, parked.c.key)
        .subquery()
    )
    frozen = session.execute(
        select(parked.c.consumer, parked.c.key, parked.c.position)
        .join(
            head,
            and_(
                head.c.consumer == parked.c.consumer,
                head.c.source == parked.c.source,
                head.c.key == parked.c.key,
                head.c.position == parked.c.position,
            ),
        )
        .where(parked.c.status == "blocked")
        .limit(100)
    )
    found += [
        f"{row.consumer}: stream {row.key} waits for nothing at {row.position}" for row in frozen
    ]
