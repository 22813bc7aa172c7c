"""Parked events as the pages show them: kinds, lists, one event with its whole story."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, Select, String, and_, cast, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from ates.kernel.tables import event_log, parked

PAGE = 50
KINDS_SHOWN = 50
STREAM_SHOWN = 20  # other events of the stream, before and after

State = Literal["retry", "blocked", "dead", "skipped"]
FAILED = ("retry", "dead")  # what a person can decide about; the blocked wait behind them

SAME = and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position)


@dataclass(frozen=True)
class Wanted:
    """Which parked events."""

    state: str = ""  # none: failed ones
    consumer: str = ""
    type: str = ""
    q: str = ""  # in the error, the stream or the fingerprint
    after: str = ""


@dataclass(frozen=True)
class Kind:
    """Failed events with the same error at the same consumer."""

    consumer: str
    fingerprint: str
    error_class: str
    error: str
    events: int
    dead: int
    since: datetime | None
    blocked: int  # that wait behind them


@dataclass(frozen=True)
class ParkedRow:
    """One parked event in the list."""

    event_id: UUID
    consumer: str
    log: str
    position: int
    type: str
    key: str
    about: str
    status: str
    error_class: str
    error: str  # its first line
    attempts: int
    next_at: datetime | None

    @property
    def name(self) -> str:
        """How the form names it."""
        return f"{self.consumer}|{self.log}|{self.position}"


@dataclass(frozen=True)
class Page:
    """Parked events, newest first, and where the page goes on."""

    rows: Sequence[ParkedRow]
    older: str | None


# --- lists ----------------------------------------------------------------------------------------


def kinds(session: Session) -> list[Kind]:
    """What failed, grouped by its error, the most frequent first."""
    behind = parked.alias()
    waiting = (
        select(func.count())
        .select_from(behind)
        .where(
            behind.c.consumer == parked.c.consumer,
            behind.c.source == parked.c.source,
            behind.c.key == parked.c.key,
            behind.c.status == "blocked",
        )
        .correlate(parked)
        .scalar_subquery()
    )
    of = (parked.c.consumer, parked.c.fingerprint)
    heads = select(parked, waiting.label("waiting")).where(parked.c.status.in_(FAILED)).subquery()
    rows = session.execute(
        select(
            heads.c.consumer,
            heads.c.fingerprint,
            func.min(heads.c.error_class).label("error_class"),
            func.min(heads.c.error).label("error"),
            func.count().label("events"),
            func.count().filter(heads.c.status == "dead").label("dead"),
            func.min(heads.c.first_failed_at).label("since"),
            func.sum(heads.c.waiting).label("blocked"),
        )
        .group_by(heads.c.consumer, heads.c.fingerprint)
        .order_by(func.count().desc(), *[heads.c[each.name] for each in of])
        .limit(KINDS_SHOWN)
    )
    return [
        Kind(
            row.consumer,
            row.fingerprint or "",
            row.error_class or "",
            _first_line(row.error),
            row.events,
            row.dead,
            row.since,
            int(row.blocked or 0),
        )
        for row in rows
    ]


def listed(session: Session, wanted: Wanted) -> Page:
    """A page of parked events."""
    place = (parked.c.position, parked.c.consumer, parked.c.log)
    query = _parked().where(*_conditions(wanted))
    cursor = _read(wanted.after)
    if cursor is not None:
        there = [literal(value, each.type) for value, each in zip(cursor, place, strict=True)]
        query = query.where(tuple_(*place) < tuple_(*there))
    query = query.order_by(*[each.desc() for each in place]).limit(PAGE + 1)
    rows = [_row(each) for each in session.execute(query)]
    more, rows = len(rows) > PAGE, rows[:PAGE]
    return Page(rows, _write(rows[-1]) if more else None)


def types(session: Session) -> list[str]:
    """Of which types there are parked events."""
    query = select(event_log.c.type).join(parked, SAME).distinct().order_by(event_log.c.type)
    return list(session.scalars(query))


def _parked() -> Select[*tuple[Any, ...]]:
    return select(parked, event_log.c.event_id, event_log.c.type, event_log.c.data).join(
        event_log, SAME
    )


def _conditions(wanted: Wanted) -> list[Any]:
    states = FAILED if not wanted.state else (wanted.state,)
    found: list[Any] = [parked.c.status.in_(states)]
    if wanted.consumer:
        found.append(parked.c.consumer == wanted.consumer)
    if wanted.type:
        found.append(event_log.c.type == wanted.type)
    if wanted.q:
        text = wanted.q
        found.append(
            or_(
                parked.c.fingerprint == text,
                parked.c.error_class.icontains(text, autoescape=True),
                parked.c.error.icontains(text, autoescape=True),
                parked.c.key.icontains(text, autoescape=True),
                cast(event_log.c.position, String) == text,
            )
        )
    return found


def _row(row: Row[Any]) -> ParkedRow:
    return ParkedRow(
        event_id=row.event_id,
        consumer=row.consumer,
        log=row.log,
        position=row.position,
        type=row.type,
        key=row.key,
        about=about(row.data),
        status=row.status,
        error_class=row.error_class or "",
        error=_first_line(row.error),
        attempts=row.attempts,
        next_at=row.next_at if row.status == "retry" else None,
    )


def about(data: str) -> str:
    """What an event speaks of, as far as its payload says it in words."""
    said = json.loads(data)
    words = [str(said[name]) for name in ("title", "name", "day") if said.get(name)]
    return " · ".join(words)[:100]


def _first_line(error: str | None) -> str:
    return ((error or "").splitlines() or [""])[0][:200]


def _write(row: ParkedRow) -> str:
    text = json.dumps([row.position, row.consumer, row.log])
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _read(cursor: str) -> tuple[int, str, str] | None:
    """A cursor that cannot be read is the first page."""
    try:
        position, *names = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        consumer, log = names
    except (ValueError, TypeError):
        return None
    whole = type(position) is int and abs(position) < 2**63
    if not whole or not isinstance(consumer, str) or not isinstance(log, str):
        return None
    return position, consumer, log
