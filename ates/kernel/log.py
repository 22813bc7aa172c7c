"""The log: the sequencer gives committed events their gapless numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Row, delete, func, insert, literal, select, tuple_, update
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.db import Database
from ates.kernel.envelope import Stored
from ates.kernel.errors import Corrupt, is_outage
from ates.kernel.tables import ANYTHING, NEXT, OWN, event_log, log_head, outbox

BATCH = 500
AT_ONCE = 50  # rows are fetched, which is faster than one by one
HEAVY = 1_000_000  # characters of data in one batch, more or less
R = TypeVar("R")
Stream = tuple[str, str]  # (source, key)

_COPIED = (
    "event_id",
    "source",
    "type",
    "version",
    "key",
    "key_version",
    "occurred_at",
    "data",
    "meta",
)


class Place(NamedTuple):
    """How far a consumer has come in a log."""

    log: str
    position: int


def halves(
    session: Session,
    rows: Sequence[R],
    attempt: Callable[[Sequence[R]], None],
    culprit: Callable[[R, Exception], None],
) -> None:
    """Do `attempt` on all rows in a savepoint; on failure on each half, in order, down to one row.

    A row that fails alone is handed to `culprit`. An outage is nobody's fault and is raised.
    """
    if not rows:
        return
    try:
        with session.begin_nested():
            attempt(rows)
    except Exception as error:
        if is_outage(error):
            raise
        if len(rows) == 1:
            culprit(rows[0], error)
            return
        middle = len(rows) // 2
        halves(session, rows[:middle], attempt, culprit)
        halves(session, rows[middle:], attempt, culprit)


def following(session: Session, log: str, after: int, size: int) -> list[Stored]:
    """Up to `size` events behind a position, as many of them as fit into little memory: one event
    of the ledger tells of up to 500 entries. Raises Corrupt for a hole."""
    asked = {"log": log, "after": after, "until": after + size}
    rows = _read(session, asked)
    if not rows and session.scalar(ANYTHING, asked):
        rows = _read(session, asked)  # it came between the questions, or all up to it is missing
        if not rows:
            raise _hole(log, after)
    if [row.position for row in rows] != list(range(after + 1, after + 1 + len(rows))):
        raise _hole(log, after)
    return rows


def _hole(log: str, after: int) -> Corrupt:
    return Corrupt(f"the log {log} has a hole after {after}")


def _read(session: Session, asked: Mapping[str, Any]) -> list[Stored]:
    rows = list(_light(NEXT.run(session, **asked)))
    return msgspec.convert(rows, list[Stored])  # all ids and moments in one step


def _light(cursor: Any) -> Iterator[tuple[Any, ...]]:
    weight = 0
    while rows := cursor.fetchmany(AT_ONCE):
        for row in rows:
            yield row
            weight += len(row[-1])  # its data
            if weight > HEAVY:
                cursor.close()
                return


def sequence(database: Database) -> int:
    """Move up to 500 events from staging to the log; how many were moved.

    It waits for the lock on the head: the holder may have read before our event was committed.
    An event that breaks the rule "one number once per stream" is held with its whole stream, and
    the rest flows.
    """
    if not staged(database):
        return 0
    with database.transaction() as session:
        head = session.execute(
            select(log_head.c.log, log_head.c.position).where(OWN).with_for_update()
        ).one()
        return _Move(session, head.log, head.position).run()


def staged(database: Database) -> bool:
    """Whether events wait for their number."""
    with database.reading() as session:
        return bool(session.scalar(select(select(outbox).where(outbox.c.held.is_(None)).exists())))


class _Move:
    """One transaction of the sequencer."""

    def __init__(self, session: Session, log: str, position: int) -> None:
        self.session, self.log, self.position = session, log, position
        self.stuck: dict[Stream, str] = {}

    def run(self) -> int:
        rows = self._read()
        if not rows:
            return 0
        before = self.position
        self.stuck = {
            (row.source, row.key): row.held
            for row in self.session.execute(
                select(outbox.c.source, outbox.c.key, outbox.c.held).where(
                    outbox.c.held.is_not(None)
                )
            )
        }
        halves(self.session, rows, self._move, self._hold)
        if self.stuck:
            self._mark([row for row in rows if (row.source, row.key) in self.stuck])
        self._finish()
        return self.position - before

    def _read(self) -> Sequence[Any]:
        return self.session.execute(
            select(outbox.c.seq, outbox.c.source, outbox.c.key)
            .where(outbox.c.held.is_(None))
            .order_by(outbox.c.seq)
            .limit(BATCH)
        ).all()

    def _move(self, rows: Sequence[Row[Any]]) -> None:
        seqs = [row.seq for row in rows if (row.source, row.key) not in self.stuck]
        if not seqs:
            return
        number = func.row_number().over(order_by=outbox.c.seq)
        self.session.execute(
            insert(event_log).from_select(
                ["log", "position", *_COPIED, "recorded_at"],
                select(
                    literal(self.log),
                    literal(self.position) + number,
                    *(outbox.c[name] for name in _COPIED),
                    literal(clock.now(), event_log.c.recorded_at.type),
                )
                .where(outbox.c.seq.in_(seqs))
                .order_by(outbox.c.seq),
            )
        )
        self.session.execute(delete(outbox).where(outbox.c.seq.in_(seqs)))
        self.position += len(seqs)  # last, so that a savepoint which failed leaves it alone

    def _hold(self, row: Row[Any], error: Exception) -> None:
        self.stuck[row.source, row.key] = f"{type(error).__name__}: {getattr(error, 'orig', error)}"

    def _mark(self, rows: Sequence[Row[Any]]) -> None:
        for stream in {(row.source, row.key) for row in rows}:  # rare, and few
            self.session.execute(
                update(outbox)
                .where(tuple_(outbox.c.source, outbox.c.key) == stream, outbox.c.held.is_(None))
                .values(held=self.stuck[stream])
            )

    def _finish(self) -> None:
        self.session.execute(
            update(log_head).where(log_head.c.log == self.log).values(position=self.position)
        )
