"""Whether the figures are right: `quick` by sums and control totals, `full` by the whole log."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ates.analytics.verify import recount, tables
from ates.analytics.verify.quick import counted, quick
from ates.kernel import generations
from ates.kernel.tables import consumer, log_head

__all__ = ["SHOWN", "Findings", "verify"]

SHOWN = 100


@dataclass(frozen=True)
class Findings:
    """What a check read, each difference as one sentence, and what could not be looked at."""

    level: str
    generation: int
    entries: int
    days: int
    differences: tuple[str, ...]  # the first hundred
    notes: tuple[str, ...]


def verify(session: Session, *, full: bool) -> Findings:
    """Check the generation that is shown, in the snapshot of `session`.

    `full` counts the log again up to where that generation has read it, in a database of its own
    on disk, and compares row by row; memory stays flat. Of a pruned log the beginning is gone:
    then the tables are compared with each other, row by row, and a note says so.
    """
    name = generations.live(session, "analytics")
    generation = generations.number_of(name)
    floor = _floor(session, name) if full else 0
    found = _all(session, name, generation, full, pruned=bool(floor))
    entries, days = counted(session, generation)
    note = f"The log is pruned up to {floor}: the tables were compared with each other only."
    return Findings(
        level="full" if full else "quick",
        generation=generation,
        entries=entries,
        days=days,
        differences=tuple(islice(found, SHOWN)),
        notes=(note,) if floor else (),
    )


def _all(
    session: Session, name: str, generation: int, full: bool, *, pruned: bool
) -> Iterator[str]:
    yield from quick(session, generation, all_days=full)
    if full and pruned:
        yield from tables.differences(session, generation)
    elif full:
        yield from recount.differences(session, name, generation)


def _floor(session: Session, name: str) -> int:
    """How far the logs that this consumer reads are pruned."""
    found = session.scalar(
        select(func.max(log_head.c.floor))
        .join(consumer, consumer.c.log == log_head.c.log)
        .where(consumer.c.name == name)
    )
    return found or 0
