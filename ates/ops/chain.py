"""One act from the click to the letter: its events, who has heard them, and what came of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, and_, literal_column, null, or_, select, union_all
from sqlalchemy.orm import Session

from ates.kernel.context import Context
from ates.kernel.envelope import Meta, meta_from
from ates.kernel.generations import READS, base_of
from ates.kernel.inbox import Inbox
from ates.kernel.tables import consumer, event_log, outbox, parked
from ates.kernel.trace import TraceLine
from ates.kernel.types import BigInt

SHOWN = 200  # events of a chain; a shuffle says as many as there are open tasks
GENERATIONS = 4  # how often what was caused is asked what it caused

# The columns log and staging have in common.
SAME = (
    "event_id", "source", "type", "version", "key", "key_version", "occurred_at", "meta",
)  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """What one consumer has done with an event."""

    consumer: str
    state: str  # handled, waiting, or as it is parked: retry, blocked, dead, skipped

    @property
    def look(self) -> str:
        """Its badge (web.formats.LOOKS)."""
        plain = {"handled": "history_handled", "waiting": "event_waiting"}
        return plain.get(self.state, self.state)


@dataclass(frozen=True)
class Link:
    """One event of a chain."""

    id: UUID
    type: str
    version: int
    key: str
    key_version: int
    occurred_at: datetime
    position: int | None  # None: staged
    held: str | None
    depth: int  # 0: of the click itself
    heard: tuple[Heard, ...]
    made: tuple[TraceLine, ...]


@dataclass(frozen=True)
class Click:
    """One act: a request of a person or a run of a command."""

    id: str | None  # None: what was said in nobody's request
    at: datetime
    actor: str | None
    links: tuple[Link, ...]
    made: tuple[TraceLine, ...]


@dataclass(frozen=True)
class Chain:
    """Everything that belongs together, in the order in which it began."""

    clicks: tuple[Click, ...]
    more: bool  # there are events that are not shown


def of_task(session: Session, parts: Sequence[Context], number: int) -> Chain | None:
    """The chains of everything that happened to a task; None if there is no such task."""
    for part in parts:
        stream = part.trace.stream(session, number) if part.trace and part.trace.stream else None
        if stream is not None:
            return _chain(session, parts, _rows(session, partial(_of_stream, *stream)))
    return None


def of_id(session: Session, parts: Sequence[Context], id_: str) -> Chain | None:
    """The chain of a correlation id, or the one an event belongs to; None if it is unknown."""
    rows = _rows(session, lambda of: _named(session, of, "correlationid", [id_]))
    if not rows:
        rows = _rows(session, lambda of: of.c.event_id == UUID(id_))
        own = meta_from(rows[0]).correlation_id if rows else None
        if own:
            rows = _rows(session, lambda of: _named(session, of, "correlationid", [own]))
    chain = _chain(session, parts, rows, {id_} if not rows else set())
    return chain if chain.clicks else None


# --- reading --------------------------------------------------------------------------------------


def _rows(session: Session, which: Callable[[Any], Any]) -> list[Any]:
    """Logged and staged events, the newest if there are too many, oldest first. One statement."""
    found = []
    for of in (event_log, outbox):
        staged = of is outbox
        log = null().cast(Text).label("log") if staged else event_log.c.log
        position = null().cast(BigInt).label("position") if staged else event_log.c.position
        held = outbox.c.held if staged else null().cast(Text).label("held")
        query = select(*(of.c[name] for name in SAME), log, position, held).where(which(of))
        newest = query.order_by(of.c.event_id.desc()).limit(SHOWN + 1).subquery()
        found.append(select(newest))
    rows = session.execute(union_all(*found)).all()
    return sorted(rows, key=lambda row: row.event_id)[-(SHOWN + 1) :]


def _of_stream(source: str, key: str, of: Any) -> Any:
    return and_(of.c.source == source, of.c.key == key)


def _named(session: Session, of: Any, name: str, values: Collection[str]) -> Any:
    """One of the names in the envelope, cut out of the canonical text as the index has it."""
    place = "instr" if session.get_bind().dialect.name == "sqlite" else "strpos"
    mark = f"""'"{name}": "'"""
    text: Any = literal_column(f"substr(meta, {place}(meta, {mark}) + {len(mark) - 2}, 36)")
    there = literal_column(f"{place}(meta, {mark})") > literal_column("0")
    return and_(there, text.in_(values))


def _chain(
    session: Session,
    parts: Sequence[Context],
    rows: Sequence[Row[Any]],
    ids: Collection[str] = (),
) -> Chain:
    known = {row.event_id: row for row in rows[-SHOWN:]}
    made: dict[Any, TraceLine] = {}
    fresh, asked = list(known.values()), set[str]()
    wanted = set(ids)
    for _ in range(GENERATIONS):
        metas = [meta_from(row) for row in fresh]
        wanted |= {meta.correlation_id for meta in metas if meta.correlation_id}
        lines = _made(session, parts, metas, wanted - asked)
        asked |= wanted
        made |= {_identity(line): line for line in lines}
        fresh = [row for row in _following(session, metas, lines) if row.event_id not in known]
        known |= {row.event_id: row for row in fresh}
        if not fresh:
            break
    heard = _heard(session, parts, list(known.values()))
    clicks = _clicks(list(known.values()), list(made.values()), heard)
    return Chain(clicks, more=len(rows) > SHOWN)


def _made(
    session: Session, parts: Sequence[Context], metas: Sequence[Meta], ids: Collection[str]
) -> list[TraceLine]:
    asked = [part.trace.made for part in parts if part.trace and part.trace.made]
    return [line for made in asked for line in made(session, metas, ids)]


def _identity(line: TraceLine) -> tuple[Any, ...]:
    return (line.sentence, str(line.values), line.cause, line.correlation_id, line.state, line.at)


def _following(
    session: Session, metas: Sequence[Meta], lines: Sequence[TraceLine]
) -> list[Row[Any]]:
    """What these events caused, and the events in which a part told what it made of them."""
    said = [line.said for line in lines if line.said]
    causes = [str(meta.id) for meta in metas]
    if not causes:
        return []
    return _rows(
        session,
        lambda of: or_(of.c.event_id.in_(said), _named(session, of, "causationid", causes)),
    )


def _heard(
    session: Session, parts: Sequence[Context], rows: Sequence[Row[Any]]
) -> dict[UUID, tuple[Heard, ...]]:
    inboxes = {part.inbox.name: part.inbox for part in parts if part.inbox is not None}
    readers = session.execute(
        select(consumer).where(consumer.c.mode.in_(READS)).order_by(consumer.c.name)
    ).all()
    aside = {
        (each.consumer, each.log, each.position): each.status
        for each in session.execute(
            select(parked).where(parked.c.position.in_([row.position for row in rows]))
        )
    }
    return {
        row.event_id: tuple(
            Heard(each.name, _state(each, row, aside))
            for each in readers
            if _listens(inboxes, each, row)
        )
        for row in rows
    }


def _listens(inboxes: Mapping[str, Inbox], reader: Row[Any], row: Row[Any]) -> bool:
    inbox = inboxes.get(base_of(reader.name))
    return inbox is not None and row.type in inbox.types and row.log in (None, reader.log)


def _state(reader: Row[Any], row: Row[Any], aside: Mapping[Any, str]) -> str:
    if row.position is None:
        return "waiting"
    status = aside.get((reader.name, row.log, row.position))
    return status or ("handled" if reader.position >= row.position else "waiting")


# --- order ----------------------------------------------------------------------------------------


def _clicks(
    rows: Sequence[Row[Any]],
    made: Sequence[TraceLine],
    heard: Mapping[UUID, tuple[Heard, ...]],
) -> tuple[Click, ...]:
    """By correlation id; what was said for several causes stands below the first of them."""
    ordered = sorted(rows, key=lambda row: row.event_id)
    parents = _parents(ordered, made)
    roots = [row for row in ordered if row.event_id not in parents]
    found: dict[str | None, Click] = {}
    for row in roots:
        meta = meta_from(row)
        click = found.get(meta.correlation_id) or Click(
            meta.correlation_id, row.occurred_at, meta.actor, (), ()
        )
        links = _below(row, 0, ordered, parents, made, heard)
        found[meta.correlation_id] = replace(click, links=(*click.links, *links))
    for line in made:
        if line.cause is None:
            known = found.get(line.correlation_id) or Click(
                line.correlation_id, line.at, None, (), ()
            )
            found[line.correlation_id] = replace(known, made=(*known.made, line))
    return tuple(sorted(found.values(), key=lambda click: click.at))


def _parents(rows: Sequence[Row[Any]], made: Sequence[TraceLine]) -> dict[UUID, UUID]:
    there = {row.event_id for row in rows}
    found = {}
    for row in rows:
        cause = meta_from(row).causation_id
        if cause and UUID(cause) in there:
            found[row.event_id] = UUID(cause)
    for line in made:
        if line.said is not None and line.cause is not None and {line.said, line.cause} <= there:
            found.setdefault(line.said, line.cause)
    return found


def _below(
    row: Row[Any],
    depth: int,
    rows: Sequence[Row[Any]],
    parents: Mapping[UUID, UUID],
    made: Sequence[TraceLine],
    heard: Mapping[UUID, tuple[Heard, ...]],
) -> list[Link]:
    """An event and, each a step further in, what it caused."""
    own = tuple(line for line in made if line.cause == row.event_id)
    link = Link(
        row.event_id, row.type, row.version, row.key, row.key_version, row.occurred_at,
        row.position, row.held, depth, heard[row.event_id], own,
    )  # fmt: skip
    below = [link]
    for child in rows:
        if parents.get(child.event_id) == row.event_id:
            below += _below(child, depth + 1, rows, parents, made, heard)
    return below
