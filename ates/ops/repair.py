"""What a person decides about failed events: again, skip, set aside, release."""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from ates.kernel import clock, history
from ates.kernel.db import Database
from ates.kernel.parking import at, give_up
from ates.kernel.tables import consumer as consumers
from ates.kernel.tables import event_log, outbox, parked

log = logging.getLogger(__name__)

Place = tuple[str, str, int]  # consumer, log, position


def heads(
    session: Session,
    *,
    consumer: str | None = None,
    position: int | None = None,
    key: str | None = None,
    fingerprint: str | None = None,
    places: Collection[Place] | None = None,
) -> Sequence[Row[Any]]:
    """The failed heads of streams that a person names; none named is all.

    The consumers are locked first: a retry under way must not apply what a person skips.
    """
    lock = select(consumers.c.name).order_by(consumers.c.name, consumers.c.log).with_for_update()
    session.execute(lock if consumer is None else lock.where(consumers.c.name == consumer)).all()
    query = select(parked).where(parked.c.status.in_(("retry", "dead")))
    for column, value in (
        (parked.c.consumer, consumer),
        (parked.c.position, position),
        (parked.c.key, key),
        (parked.c.fingerprint, fingerprint),
    ):
        if value is not None:
            query = query.where(column == value)
    if places is not None:
        query = query.where(tuple_(parked.c.consumer, parked.c.log, parked.c.position).in_(places))
    return session.execute(query.order_by(parked.c.consumer, parked.c.position)).all()


def again(session: Session, heads: Sequence[Row[Any]], *, by: str) -> None:
    """Try these heads again now, with all their attempts."""
    if not heads:
        return
    now = clock.now()
    session.execute(
        update(parked)
        .where(
            parked.c.consumer == bindparam("its_consumer"),
            parked.c.log == bindparam("its_log"),
            parked.c.position == bindparam("its_position"),
        )
        .values(status="retry", attempts=0, next_at=now, decided_by=by, decided_at=now),
        [
            {"its_consumer": each.consumer, "its_log": each.log, "its_position": each.position}
            for each in heads
        ],
        execution_options={"synchronize_session": False},
    )
    history.decided(session, heads, "again", by=by)


def skip(session: Session, head: Row[Any], *, by: str, reason: str) -> None:
    """Leave this head out for ever: what it should cause will not happen. The next falls due."""
    give_up(session, head.consumer, head, by=by, reason=reason)
    history.decided(session, [head], "skipped", by=by, reason=reason)


def set_aside(database: Database, consumer: str, position: int, *, by: str, reason: str) -> None:
    """Park an unread event by hand. Raises LookupError if it is not an unread one."""
    with database.transaction() as session:
        place = session.execute(
            select(consumers).where(consumers.c.name == consumer).with_for_update()
        ).first()
        if place is None:
            raise LookupError(f"There is no consumer {consumer}.")
        row = session.execute(
            select(event_log).where(event_log.c.log == place.log, event_log.c.position == position)
        ).first()
        if row is None:
            raise LookupError(f"The log has no event at {position}.")
        if position <= place.position:
            raise LookupError(
                f"{consumer} has passed {position} already: it stands at {place.position}."
            )
        if session.execute(select(parked.c.status).where(at(consumer, row))).first() is not None:
            raise LookupError(f"{consumer} has set {position} aside already.")
        _park_by_hand(session, consumer, row, by=by, reason=reason)


def pause(session: Session, consumer: str, *, by: str, reason: str) -> bool:
    """Stop a live consumer until somebody lets it go on; whether it was live."""
    return _switch(
        session,
        consumer,
        ("live", "paused"),
        {"paused_by": by, "paused_at": clock.now(), "last_error": reason},
    )


def resume(session: Session, consumer: str) -> bool:
    """Let a paused consumer go on; whether it was paused. A hole in the log pauses it again."""
    nobody = {"paused_by": None, "paused_at": None, "last_error": None}
    return _switch(session, consumer, ("paused", "live"), nobody)


def _switch(
    session: Session, consumer: str, modes: tuple[str, str], values: dict[str, Any]
) -> bool:
    before, after = modes
    changed: Any = session.execute(
        update(consumers)
        .where(consumers.c.name == consumer, consumers.c.mode == before)
        .values(mode=after, **values)
    )
    return bool(changed.rowcount)


def release(session: Session, seq: int, *, as_version: int | None, by: str, reason: str) -> None:
    """Let a held event go under another number of its stream, or discard it.

    The decision stays in the log of the process. Raises LookupError if staging holds no such event
    or the number is not the stream's next.
    """
    row = session.execute(
        select(outbox).where(outbox.c.seq == seq, outbox.c.held.is_not(None)).with_for_update()
    ).first()
    if row is None:
        raise LookupError(f"Staging holds no event {seq}.")
    if as_version is None:
        session.execute(delete(outbox).where(outbox.c.seq == seq))
    else:
        following = next_number(session, row.source, row.key)
        if as_version != following:
            raise LookupError(f"The stream's next number is {following}.")
        session.execute(update(outbox).where(outbox.c.seq == seq).values(key_version=as_version))
    # The stream's other events were held only because of this one: let them try again.
    session.execute(
        update(outbox)
        .where(outbox.c.source == row.source, outbox.c.key == row.key)
        .values(held=None)
    )
    log.warning(
        "event %s (seq %s) was %s by %s at %s: %s",
        row.event_id,
        seq,
        "discarded" if as_version is None else f"released as version {as_version}",
        by,
        clock.now().isoformat(),
        reason,
    )


def next_number(session: Session, source: str, key: str) -> int:
    """The number that the next event of this stream must have."""
    last = session.scalar(
        select(func.max(event_log.c.key_version)).where(
            event_log.c.source == source, event_log.c.key == key
        )
    )
    return (last or 0) + 1


def _park_by_hand(session: Session, consumer: str, row: Row[Any], *, by: str, reason: str) -> None:
    """Park an unread event by hand: for one that kills its process each time."""
    now = clock.now()
    session.execute(
        insert(parked).values(
            consumer=consumer,
            log=row.log,
            position=row.position,
            source=row.source,
            key=row.key,
            status="dead",
            attempts=0,
            first_failed_at=now,
            error_class="SetAside",
            error="set aside by hand",
            fingerprint="by hand",
            decided_by=by,
            decided_at=now,
            reason=reason,
        )
    )
    history.note(session, consumer, row, what="set aside", by_whom=by, reason=reason)
