"""One event with its whole story: what it says, where it is parked, what was tried and decided."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from ates.kernel.errors import N_, NotFound
from ates.kernel.tables import event_log, parked, parked_history

AROUND = 10  # other events of the stream, before and after
TOLD = 50  # lines of history

SECRET = re.compile(r"password|secret|token|private|credential|api_?key", re.IGNORECASE)
MASK = "•••"


@dataclass(frozen=True)
class Line:
    """Something that happened to the event at one consumer."""

    consumer: str
    at: datetime
    what: str
    attempt: int | None
    error_class: str | None
    error: str | None
    traceback: str | None
    by_whom: str | None
    reason: str | None


@dataclass(frozen=True)
class Standing:
    """Where the event is parked at one consumer."""

    consumer: str
    log: str
    position: int
    status: str
    attempts: int
    next_at: datetime | None
    first_failed_at: datetime | None
    error_class: str | None
    error: str | None
    fingerprint: str | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    head: UUID | None  # of its stream: the event that must be decided first
    alike: int  # failed events of the same kind, itself among them
    behind: int  # events that wait behind it

    @property
    def decidable(self) -> bool:
        return self.status in ("retry", "dead")


@dataclass(frozen=True)
class Neighbour:
    """Another event of the same stream."""

    event_id: UUID
    type: str
    key_version: int
    position: int
    occurred_at: datetime
    parked: Sequence[tuple[str, str]]  # (consumer, status) where it is parked


@dataclass(frozen=True)
class Story:
    """Everything about one event."""

    event_id: UUID
    log: str
    position: int
    type: str
    version: int
    source: str
    key: str
    key_version: int
    occurred_at: datetime
    recorded_at: datetime
    payload: str
    meta: dict[str, Any]
    standings: Sequence[Standing]
    history: Sequence[Line]
    stream: Sequence[Neighbour]


def of(session: Session, event_id: UUID) -> Story:
    """The story of an event. Raises NotFound."""
    row = session.execute(select(event_log).where(event_log.c.event_id == event_id)).first()
    if row is None:
        raise NotFound(N_("There is no such event"))
    return Story(
        event_id=row.event_id,
        log=row.log,
        position=row.position,
        type=row.type,
        version=row.version,
        source=row.source,
        key=row.key,
        key_version=row.key_version,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        payload=pretty(row.data),
        meta=json.loads(row.meta),
        standings=_standings(session, row),
        history=_history(session, row),
        stream=_stream(session, row),
    )


def pretty(data: str) -> str:
    """A payload for people, its secrets masked."""
    return json.dumps(masked(json.loads(data)), indent=2, ensure_ascii=False)


def masked(value: Any) -> Any:
    """The same without what nobody may read on a page."""
    if isinstance(value, dict):
        return {
            name: MASK if SECRET.search(name) and each is not None else masked(each)
            for name, each in value.items()
        }
    return [masked(each) for each in value] if isinstance(value, list) else value


def _standings(session: Session, event: Row[Any]) -> list[Standing]:
    rows = session.execute(
        select(parked, _head().label("head"), _alike().label("alike"), _behind().label("behind"))
        .where(parked.c.log == event.log, parked.c.position == event.position)
        .order_by(parked.c.consumer)
    )
    return [
        Standing(**{name: row._mapping[name] for name in Standing.__dataclass_fields__})
        for row in rows
    ]


def _head() -> Any:
    """The first event of the stream that waits at the same consumer."""
    other = parked.alias()
    first = (
        select(func.min(other.c.position))
        .where(
            other.c.consumer == parked.c.consumer,
            other.c.source == parked.c.source,
            other.c.key == parked.c.key,
            other.c.status != "skipped",
        )
        .correlate(parked)
        .scalar_subquery()
    )
    return (
        select(event_log.c.event_id)
        .where(event_log.c.log == parked.c.log, event_log.c.position == first)
        .correlate(parked)
        .scalar_subquery()
    )


def _alike() -> Any:
    other = parked.alias()
    return (
        select(func.count())
        .select_from(other)
        .where(
            other.c.consumer == parked.c.consumer,
            other.c.fingerprint == parked.c.fingerprint,
            other.c.status.in_(("retry", "dead")),
        )
        .correlate(parked)
        .scalar_subquery()
    )


def _behind() -> Any:
    other = parked.alias()
    return (
        select(func.count())
        .select_from(other)
        .where(
            other.c.consumer == parked.c.consumer,
            other.c.source == parked.c.source,
            other.c.key == parked.c.key,
            other.c.position > parked.c.position,
            other.c.status == "blocked",
        )
        .correlate(parked)
        .scalar_subquery()
    )


def _history(session: Session, event: Row[Any]) -> list[Line]:
    rows = session.execute(
        select(parked_history)
        .where(parked_history.c.log == event.log, parked_history.c.position == event.position)
        .order_by(parked_history.c.number.desc())
        .limit(TOLD)
    )
    return [
        Line(**{name: row._mapping[name] for name in Line.__dataclass_fields__}) for row in rows
    ]


def _stream(session: Session, event: Row[Any]) -> list[Neighbour]:
    number = event.key_version
    rows = session.execute(
        select(event_log, parked.c.consumer, parked.c.status)
        .outerjoin(
            parked, and_(parked.c.log == event_log.c.log, parked.c.position == event_log.c.position)
        )
        .where(
            event_log.c.source == event.source,
            event_log.c.key == event.key,
            event_log.c.key_version.between(number - AROUND, number + AROUND),
        )
        .order_by(event_log.c.key_version, parked.c.consumer)
    )
    found: dict[UUID, Neighbour] = {}
    for row in rows:
        known = found.get(row.event_id)
        places = ((row.consumer, row.status),) if row.consumer else ()
        found[row.event_id] = Neighbour(
            row.event_id,
            row.type,
            row.key_version,
            row.position,
            row.occurred_at,
            (*known.parked, *places) if known else places,
        )
    return list(found.values())
