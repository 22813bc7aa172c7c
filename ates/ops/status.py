"""What the operators see of the delivery of events."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.tables import OWN, consumer, event_log, log_head, outbox, parked
from ates.ops import strain
from ates.ops.strain import Strain


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
    paused_by: str | None = None
    paused_at: datetime | None = None
    failing_since: datetime | None = None  # the oldest event that is tried again

    @property
    def place(self) -> tuple[str, str]:
        return self.name, self.log


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
    numbered_at: datetime | None  # the last event
    strain: Strain

    @property
    def healthy(self) -> bool:
        """Nothing is dead, held or paused, and nobody stands still for a minute (chapter 11)."""
        return not self.held and all(
            each.mode != "paused" and not each.dead and not self.stands(each)
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

    def stands(self, line: ConsumerLine) -> bool:
        """Shrinking lag is work, not illness: old unread events and no movement are."""
        if line.mode == "rebuild":
            return False  # it waits for the live one, and nobody reads it
        if line.oldest_unread is None or (self.at - line.oldest_unread).total_seconds() <= 60:
            return False
        return line.moved_at is None or (self.at - line.moved_at).total_seconds() > 30


def read(database: Database) -> Report:
    """One snapshot of where everything stands."""
    with database.reading() as session:
        return snapshot(session)


def snapshot(session: Session) -> Report:
    """Where everything stands, in the snapshot of `session`."""
    newest = and_(event_log.c.log == log_head.c.log, event_log.c.position == log_head.c.position)
    head = session.execute(
        select(log_head, event_log.c.recorded_at).outerjoin(event_log, newest).where(OWN)
    ).one()
    staged = session.execute(
        select(
            func.count().label("events"),
            func.min(outbox.c.occurred_at).filter(outbox.c.held.is_(None)).label("oldest"),
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
        numbered_at=head.recorded_at,
        strain=strain.look(session),
    )


def _consumers(session: Session) -> list[ConsumerLine]:
    following = and_(
        event_log.c.log == consumer.c.log, event_log.c.position == consumer.c.position + 1
    )
    of = (parked.c.consumer, parked.c.log, parked.c.status)
    aside = {
        (row.consumer, row.log, row.status): row
        for row in session.execute(
            select(
                *of,
                func.count().label("events"),
                func.min(parked.c.first_failed_at).label("since"),
            ).group_by(*of)
        )
    }
    rows = session.execute(
        select(consumer, log_head.c.position.label("head"), event_log.c.recorded_at)
        .join(log_head, log_head.c.log == consumer.c.log)
        .outerjoin(event_log, following)
        .where(consumer.c.mode != "retired")
        .order_by(consumer.c.name, consumer.c.log)
    )
    return [_line(row, aside) for row in rows]


def _line(row: Any, aside: Mapping[tuple[str, str, str], Any]) -> ConsumerLine:
    found = {each: aside.get((row.name, row.log, each)) for each in ("retry", "blocked", "dead")}
    retry = found["retry"]
    return ConsumerLine(
        name=row.name,
        log=row.log,
        mode=row.mode,
        position=row.position,
        behind=row.head - row.position,
        oldest_unread=row.recorded_at,
        moved_at=row.moved_at,
        last_error=row.last_error,
        paused_by=row.paused_by,
        paused_at=row.paused_at,
        failing_since=retry.since if retry else None,
        **{state: each.events if each else 0 for state, each in found.items()},
    )


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
            .where(
                consumer.c.mode != "retired",
                event_log.c.position > consumer.c.position,
                fits(event_log),
            )
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


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
