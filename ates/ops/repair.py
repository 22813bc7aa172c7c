"""What a person decides about single events: set aside, release."""

import logging

from sqlalchemy import delete, func, select, update

from ates.kernel import clock, parking
from ates.kernel.db import Database
from ates.kernel.tables import consumer as consumers
from ates.kernel.tables import event_log, outbox

log = logging.getLogger(__name__)


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
        parking.set_aside(session, consumer, row, by=by, reason=reason)


def release(database: Database, seq: int, *, as_version: int | None, by: str, reason: str) -> None:
    """Let a held event go under another number of its stream, or discard it.

    The decision stays in the event's envelope, or, discarded, in the log of the process. Raises
    LookupError if staging holds no such event or the number is not the stream's next.
    """
    with database.transaction() as session:
        row = session.execute(
            select(outbox).where(outbox.c.seq == seq, outbox.c.held.is_not(None)).with_for_update()
        ).first()
        if row is None:
            raise LookupError(f"Staging holds no event {seq}.")
        if as_version is None:
            session.execute(delete(outbox).where(outbox.c.seq == seq))
        else:
            last = session.scalar(
                select(func.coalesce(func.max(event_log.c.key_version), 0)).where(
                    event_log.c.source == row.source, event_log.c.key == row.key
                )
            )
            if as_version != (last or 0) + 1:
                raise LookupError(f"The stream's next number is {(last or 0) + 1}.")
            session.execute(
                update(outbox).where(outbox.c.seq == seq).values(key_version=as_version)
            )
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
