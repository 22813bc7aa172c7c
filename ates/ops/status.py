"""What the operators see of the delivery of events."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, select, true
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.tables import OWN, consumer, event_log, log_head, outbox, parked


@dataclass(frozen=True)
class ConsumerLine:
    """How far one consumer is in one log."""

    name: str
    log: str
    mode: str
    position: int
    behind: int
    oldest_unread: datetime | None  # when it was numbered
    moved_at: datetime | None
    last_error: str | None
    retry: int
    blocked: int
    dead: int


@dataclass(frozen=True)
class Trouble:
    """Parked events with the same kind of error."""

    consumer: str
    status: str
    error_class: str | None
    error: str | None
    fingerprint: str | None
    events: int
    first_position: int


@dataclass(frozen=True)
class Report:
    """One look at the delivery of events."""

    at: datetime
    head: int
    staged: int
    oldest_staged: datetime | None
    held: int
    swept_at: datetime | None
    consumers: list[ConsumerLine]
    troubles: list[Trouble]

    @property
    def healthy(self) -> bool:
        """Nothing is dead, held or paused, and nobody stands still for a minute (chapter 11)."""
        return not self.held and all(
            each.mode != "paused" and not each.dead and not self._stands(each)
            for each in self.consumers
        )

    def plain(self) -> dict[str, Any]:
        """The same for programs."""
        return {"healthy": self.healthy, **_plain(asdict(self))}

    def text(self) -> str:
        """The same for people."""
        rows = [
            ("Consumer", "mode", "position", "behind", "retry", "blocked", "dead", "last error")
        ]
        rows += [
            (
                each.name,
                each.mode,
                f"{each.position:,}",
                f"{each.behind:,}",
                str(each.retry),
                str(each.blocked),
                str(each.dead),
                each.last_error or "",
            )
            for each in self.consumers
        ]
        widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        swept = f"{self.swept_at:%Y-%m-%d %H:%M:%SZ}" if self.swept_at else "never"
        lines.append(
            f"Log at {self.head:,}; staged {self.staged:,}, held {self.held:,}; last sweep {swept}."
        )
        lines += [
            f"{each.consumer}: {each.events} {each.status}, first at {each.first_position},"
            f" {each.error_class}: {each.error} [{each.fingerprint}]"
            for each in self.troubles
        ]
        lines.append("Healthy." if self.healthy else "NOT healthy.")
        return "\n".join(lines)

    def _stands(self, line: ConsumerLine) -> bool:
        """Shrinking lag is work, not illness: old unread events and no movement are."""
        if line.oldest_unread is None or (self.at - line.oldest_unread).total_seconds() <= 60:
            return False
        return line.moved_at is None or (self.at - line.moved_at).total_seconds() > 30


def read(database: Database) -> Report:
    """One snapshot of where everything stands."""
    with database.reading() as session:
        head = session.execute(select(log_head).where(OWN)).one()
        staged = session.execute(
            select(
                func.count().label("events"),
                func.min(outbox.c.occurred_at).label("oldest"),
                func.count(outbox.c.held).label("held"),
            ).select_from(outbox)
        ).one()
        return Report(
            at=clock.now(),
            head=head.position,
            staged=staged.events - staged.held,
            oldest_staged=staged.oldest,
            held=staged.held,
            swept_at=head.swept_at,
            consumers=_consumers(session),
            troubles=_troubles(session),
        )


def _consumers(session: Session) -> list[ConsumerLine]:
    following = and_(
        event_log.c.log == consumer.c.log, event_log.c.position == consumer.c.position + 1
    )
    counts = {
        (row.consumer, row.log, row.status): row.events
        for row in session.execute(
            select(
                parked.c.consumer, parked.c.log, parked.c.status, func.count().label("events")
            ).group_by(parked.c.consumer, parked.c.log, parked.c.status)
        )
    }
    rows = session.execute(
        select(consumer, log_head.c.position.label("head"), event_log.c.recorded_at)
        .join(log_head, log_head.c.log == consumer.c.log)
        .outerjoin(event_log, following)
        .where(consumer.c.mode != "retired")
        .order_by(consumer.c.name, consumer.c.log)
    )
    return [
        ConsumerLine(
            name=row.name,
            log=row.log,
            mode=row.mode,
            position=row.position,
            behind=row.head - row.position,
            oldest_unread=row.recorded_at,
            moved_at=row.moved_at,
            last_error=row.last_error,
            **{
                state: counts.get((row.name, row.log, state), 0)
                for state in ("retry", "blocked", "dead")
            },
        )
        for row in rows
    ]


def _troubles(session: Session) -> list[Trouble]:
    rows = session.execute(
        select(
            parked.c.consumer,
            parked.c.status,
            parked.c.error_class,
            func.min(parked.c.error).label("error"),
            parked.c.fingerprint,
            func.count().label("events"),
            func.min(parked.c.position).label("first_position"),
        )
        .where(parked.c.status.in_(("retry", "dead")))
        .group_by(parked.c.consumer, parked.c.status, parked.c.error_class, parked.c.fingerprint)
        .order_by(func.count().desc())
        .limit(50)
    )
    return [Trouble(**row._mapping) for row in rows]


def count_of(database: Database, of_type: str, version: int | None) -> dict[str, int]:
    """How much of a type (and version) is staged, unread by somebody, or parked."""

    def fits(table: Any) -> Any:
        same = table.c.type == of_type
        return and_(same, table.c.version == version) if version is not None else same

    with database.reading() as session:
        unread = (
            select(func.count(func.distinct(event_log.c.position)))
            .join(consumer, consumer.c.log == event_log.c.log)
            .where(event_log.c.position > consumer.c.position, fits(event_log))
        )
        aside = (
            select(func.count())
            .select_from(parked)
            .join(
                event_log,
                and_(event_log.c.log == parked.c.log, event_log.c.position == parked.c.position),
            )
            .where(parked.c.status != "skipped", fits(event_log))
        )
        return {
            "staged": session.scalar(select(func.count()).where(fits(outbox))) or 0,
            "unread": session.scalar(unread) or 0,
            "parked": session.scalar(aside) or 0,
        }


def count_text(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items())


def verify(database: Database) -> tuple[int, list[str]]:
    """Check what must hold of log, positions and parked events (events.md, P1 to P4).

    The number of events checked and the first hundred differences, each a sentence.
    """
    found: list[str] = []
    with database.reading() as session:
        count = 0
        for head in session.execute(select(log_head)):
            count += _verify_log(session, head, found)
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


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
