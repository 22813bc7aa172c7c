"""How far behind a consumer is: what a payout asks, and what every derived page says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, has_app_context
from sqlalchemy import and_, exists, func, literal, not_, or_, select
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.tables import FOREIGN, OWN, event_log, log_head, outbox, parked
from ates.kernel.tables import consumer as consumers


@dataclass(frozen=True)
class Unhandled:
    """Events that happened before an instant and have no effect yet."""

    waiting: int  # on their way; they will come by themselves
    parked: int  # set aside or held until somebody repairs them


@dataclass(frozen=True)
class Behind:
    """What a consumer has still to do."""

    events: int
    oldest: datetime | None  # when the oldest of them happened
    as_of: datetime  # all that happened up to then is counted
    dead: int  # events that wait for a person
    aside: int = 0  # events set aside, the dead among them
    aside_since: datetime | None = None  # when the oldest of those happened


def unhandled_before(session: Session, consumer: str, instant: datetime) -> Unhandled:
    """What `consumer` has not handled of all that happened before `instant`.

    One statement: two could both miss an event on its way from staging to the log. Ask under the
    lock that the answer decides about, and not before `instant` plus the grace: what is not yet
    committed is invisible.
    """
    known = _unheard(consumer)
    early = (outbox.c.occurred_at < instant, outbox.c.type.not_in(known))
    staged = _count(outbox).where(outbox.c.held.is_(None), *early)
    held = _count(outbox).where(outbox.c.held.is_not(None), *early)
    waiting = (
        staged.scalar_subquery()
        + _unread(consumer, instant, known).scalar_subquery()
        + _unborn(consumer).scalar_subquery()
        + _incoming(consumer, instant).scalar_subquery()
    )
    aside = _aside(consumer, instant).scalar_subquery() + held.scalar_subquery()
    row = session.execute(select(waiting.label("waiting"), aside.label("parked"))).one()
    return Unhandled(row.waiting, row.parked)


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table)


def _unread(consumer: str, instant: datetime, known: Any) -> Any:
    """Numbered, and not reached yet."""
    mine = and_(consumers.c.log == event_log.c.log, consumers.c.name == consumer)
    return _count(event_log.join(consumers, mine)).where(
        event_log.c.position > consumers.c.position,
        event_log.c.occurred_at < instant,
        event_log.c.type.not_in(known),
    )


def _unborn(consumer: str) -> Any:
    """A consumer that has not begun has heard nothing, whatever its missing row says."""
    begun = exists().where(consumers.c.log == log_head.c.log, consumers.c.name == consumer)
    return _count(log_head).where(OWN, log_head.c.position > 0, not_(begun))


def _incoming(consumer: str, instant: datetime) -> Any:
    """A copied log may still bring something that happened before the instant."""
    mine = and_(consumers.c.log == log_head.c.log, consumers.c.name == consumer)
    return _count(log_head.join(consumers, mine)).where(
        FOREIGN,
        or_(log_head.c.complete_until.is_(None), log_head.c.complete_until < instant),
    )


def _aside(consumer: str, instant: datetime) -> Any:
    """Parked, and not skipped."""
    same = and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position)
    return _count(parked.join(event_log, same)).where(
        parked.c.consumer == consumer,
        parked.c.status != "skipped",
        event_log.c.occurred_at < instant,
    )


def behind(session: Session, consumer: str) -> Behind:
    """How far `consumer` is, for "All events up to … are counted"; one statement."""
    return behind_each(session, [consumer])[0]


def behind_each(session: Session, names: Sequence[str]) -> list[Behind]:
    """The same of several, in one statement too."""
    columns = [
        each.label(f"{what}_{number}")
        for number, name in enumerate(names)
        for what, each in _lag_of(name).items()
    ]
    row = session.execute(select(*columns)).one()._mapping
    return [
        _behind({what: row[f"{what}_{number}"] for what in _FIGURES})
        for number in range(len(names))
    ]


_FIGURES = ("staged", "first", "unread", "next", "dead", "aside", "since")


def _lag_of(consumer: str) -> dict[str, Any]:
    known = _unheard(consumer)
    staged = (outbox.c.held.is_(None), outbox.c.type.not_in(known))
    unread = event_log.join(
        consumers,
        and_(
            event_log.c.log == consumers.c.log,
            event_log.c.position > consumers.c.position,
            event_log.c.type.not_in(known),
        ),
    )
    of = consumers.c.name == consumer
    mine = (parked.c.consumer == consumer, parked.c.status != "skipped")
    aside = event_log.join(
        parked, and_(parked.c.log == event_log.c.log, parked.c.position == event_log.c.position)
    )
    oldest = select(event_log.c.occurred_at).select_from(unread).where(of)
    found = (
        select(func.count()).where(*staged),
        select(func.min(outbox.c.occurred_at)).where(*staged),
        _count(unread).where(of),
        oldest.order_by(event_log.c.position).limit(1),
        _count(parked).where(parked.c.consumer == consumer, parked.c.status == literal("dead")),
        _count(aside).where(*mine),
        select(func.min(event_log.c.occurred_at)).select_from(aside).where(*mine),
    )
    return {what: each.scalar_subquery() for what, each in zip(_FIGURES, found, strict=True)}


def _behind(row: Mapping[str, Any]) -> Behind:
    oldest = min(
        (moment for moment in (row["first"], row["next"]) if moment is not None), default=None
    )
    return Behind(
        events=row["staged"] + row["unread"],
        oldest=oldest,
        as_of=oldest or clock.now(),
        dead=row["dead"],
        aside=row["aside"],
        aside_since=row["since"],
    )


def _unheard(consumer: str) -> Any:
    """Types known here that the consumer does not listen to; without an application, none."""
    if not has_app_context():
        return ()
    inboxes = current_app.extensions.get("ates.inboxes", {})
    inbox = inboxes.get(consumer.partition("@")[0])
    return sorted(inbox.unheard) if inbox is not None else ()
