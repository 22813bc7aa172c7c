"""What the operators' first page shows: how far everything is, how fast it goes, who works."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.kernel import clock, mail
from ates.kernel.context import Context
from ates.kernel.db import Database
from ates.kernel.life import SILENT
from ates.kernel.tables import outbox, pace, worker
from ates.ops import status
from ates.ops.models import Check
from ates.ops.status import ConsumerLine, Report

HELD_SHOWN = 20
WINDOW = timedelta(minutes=1)  # over which a pace is measured
KINDS = frozenset({"events", "mail"})  # of workers an installation needs

Look = Literal["", "age", "behind", "stuck"]


@dataclass(frozen=True)
class Pace:
    """How many events a minute a consumer handles, and how many its log gets."""

    drained: float
    arriving: float


@dataclass(frozen=True)
class Lag:
    """One consumer: how far behind, how fast, and when it will have caught up."""

    line: ConsumerLine
    age: timedelta | None  # of the oldest event it has not read
    pace: Pace | None  # unknown without a worker that measures it
    left: timedelta | None  # until nothing waits, at this pace
    look: Look
    paused_by: str | None
    paused_at: datetime | None


@dataclass(frozen=True)
class WorkerLine:
    """One process that delivers or sends."""

    name: str
    kind: str
    host: str
    pid: int
    version: str
    since: datetime
    beat_at: datetime
    doing: str
    failed_rings: int
    alive: bool


@dataclass(frozen=True)
class Held:
    """A staged event whose number in its stream was taken."""

    seq: int
    type: str
    source: str
    key: str
    key_version: int
    occurred_at: datetime
    why: str


@dataclass(frozen=True)
class Box:
    """The letters of a box by state."""

    name: str
    part: str
    kind: str  # empty for the first box of a part
    states: Mapping[str, int]


@dataclass(frozen=True)
class Picture:
    """One look at everything."""

    report: Report
    lags: Sequence[Lag]
    workers: Sequence[WorkerLine]
    held: Sequence[Held]
    boxes: Sequence[Box]
    checks: Sequence[Check]
    told: Mapping[str, Any] = field(default_factory=dict)  # what the parts say themselves

    @property
    def oldest(self) -> timedelta | None:
        """How long the oldest event waits that somebody has not read or nobody has numbered."""
        ages = [each.age for each in self.lags if each.age is not None]
        if self.report.oldest_staged is not None:
            ages.append(self.report.at - self.report.oldest_staged)
        return max(ages, default=None)

    @property
    def look(self) -> Look:
        stuck = any(each.look == "stuck" for each in self.lags)
        return "stuck" if stuck else look_of(self.oldest, dead=0)

    @property
    def waiting(self) -> int:
        return self.report.staged + sum(each.line.behind for each in self.lags)

    @property
    def parked(self) -> int:
        """Parked and not dead: by themselves, or behind another."""
        return sum(each.line.retry + each.line.blocked for each in self.lags)

    @property
    def dead(self) -> int:
        return sum(each.line.dead for each in self.lags)

    @property
    def alive(self) -> int:
        return sum(each.alive for each in self.workers)

    @property
    def expected(self) -> int:
        """Those seen lately, and one of each kind at least."""
        return len(self.workers) + len(KINDS - {each.kind for each in self.workers})


def look(database: Database, contexts: Sequence[Context]) -> Picture:
    """Everything, each database read in one snapshot."""
    with database.reading() as session:
        report = status.snapshot(session)
        paces = _paces(session, report.at)
        return Picture(
            report=report,
            lags=[
                _lag(each, report.at, paces.get((each.name, each.log))) for each in report.consumers
            ],
            workers=workers(session),
            held=held(session),
            boxes=boxes(session, contexts),
            checks=list(session.scalars(select(Check).order_by(Check.part, Check.kind))),
            told=figures(session, contexts),
        )


def look_of(age: timedelta | None, *, dead: int) -> Look:
    """How loudly to say it (pages.md, chapter 5)."""
    if dead or (age is not None and age > timedelta(minutes=10)):
        return "stuck"
    if age is None or age < timedelta(seconds=2):
        return ""
    return "behind" if age > timedelta(seconds=30) else "age"


def workers(session: Session) -> list[WorkerLine]:
    """Those of the last minutes; a silent one is no more alive."""
    limit = clock.now() - SILENT
    rows = session.execute(select(worker).order_by(worker.c.kind, worker.c.since))
    return [
        WorkerLine(
            name=row.name,
            kind=row.kind,
            host=row.host,
            pid=row.pid,
            version=row.version,
            since=row.since,
            beat_at=row.beat_at,
            doing=row.doing,
            failed_rings=row.failed_rings,
            alive=row.beat_at >= limit,
        )
        for row in rows
    ]


def held(session: Session, seq: int | None = None) -> list[Held]:
    """What staging holds back, oldest first; or the one event at `seq`."""
    query = select(outbox).where(outbox.c.held.is_not(None))
    if seq is not None:
        query = query.where(outbox.c.seq == seq)
    rows = session.execute(query.order_by(outbox.c.seq).limit(HELD_SHOWN))
    return [
        Held(
            seq=row.seq,
            type=row.type,
            source=row.source,
            key=row.key,
            key_version=row.key_version,
            occurred_at=row.occurred_at,
            why=row.held,
        )
        for row in rows
    ]


def figures(session: Session, contexts: Sequence[Context]) -> Mapping[str, Any]:
    """What the parts themselves tell operators (`Context.figures`)."""
    told: dict[str, Any] = {}
    for each in contexts:
        if each.figures is not None:
            told.update(each.figures(session))
    return told


def boxes(session: Session, contexts: Sequence[Context]) -> list[Box]:
    """The letters of every part that writes some."""
    return [
        Box(box.name, box.part, box.kind, mail.states(session, box))
        for part in contexts
        for box in part.letters
    ]


def _lag(line: ConsumerLine, now: datetime, found: Pace | None) -> Lag:
    oldest = line.oldest_unread if line.mode != "rebuild" else None  # that one waits on purpose
    age = now - oldest if oldest is not None else None
    gain = found.drained - found.arriving if found else 0.0
    return Lag(
        line=line,
        age=age,
        pace=found,
        left=timedelta(minutes=line.behind / gain) if line.behind and gain > 0 else None,
        look=look_of(age, dead=line.dead),
        paused_by=line.paused_by,
        paused_at=line.paused_at,
    )


def _paces(session: Session, now: datetime) -> dict[tuple[str, str], Pace]:
    """From where consumers stood a minute ago and where they were seen last."""
    of = (pace.c.consumer, pace.c.log)
    recent = pace.c.at >= now - 2 * WINDOW
    ends = (
        select(*of, func.min(pace.c.at).label("first"), func.max(pace.c.at).label("last"))
        .where(recent)
        .group_by(*of)
        .subquery()
    )
    rows = session.execute(
        select(pace, ends.c.first, ends.c.last).join(
            ends,
            (ends.c.consumer == pace.c.consumer)
            & (ends.c.log == pace.c.log)
            & ((ends.c.first == pace.c.at) | (ends.c.last == pace.c.at)),
        )
    ).all()
    stands: dict[tuple[str, str], list[Any]] = {}
    for row in sorted(rows, key=lambda each: each.at):
        stands.setdefault((row.consumer, row.log), []).append(row)
    return {key: _pace(*two) for key, two in stands.items() if len(two) == 2}


def _pace(before: Any, after: Any) -> Pace:
    minutes = (after.at - before.at) / timedelta(minutes=1)
    return Pace((after.position - before.position) / minutes, (after.head - before.head) / minutes)
