"""What happened to parked events, line by line: failed tries, and what people decided."""

import traceback
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ates.kernel import clock
from ates.kernel.tables import parked_history

What = Literal["failed", "handled", "again", "skipped", "set aside"]

LONGEST_ERROR = 2000
LONGEST_TRACEBACK = 12_000


def failed(session: Session, consumer: str, row: Any, error: Exception, attempt: int) -> None:
    """One more try of this event failed; its traceback is kept as it was."""
    told = "".join(traceback.format_exception(error))
    note(
        session,
        consumer,
        row,
        what="failed",
        attempt=attempt,
        error_class=type(error).__name__,
        error=str(error)[:LONGEST_ERROR],
        traceback=told[-LONGEST_TRACEBACK:],  # its end names the line that failed
    )


def handled(session: Session, consumer: str, row: Any, attempt: int) -> None:
    """A parked event has its effect after all."""
    note(session, consumer, row, what="handled", attempt=attempt)


def decided(
    session: Session, heads: Sequence[Any], what: What, *, by: str, reason: str | None = None
) -> None:
    """A person decided about these parked events; each row has `consumer`, `log`, `position`."""
    now = clock.now()
    lines = [
        {
            "consumer": head.consumer,
            "log": head.log,
            "position": head.position,
            "at": now,
            "what": what,
            "by_whom": by,
            "reason": reason,
        }
        for head in heads
    ]
    if lines:
        session.execute(insert(parked_history), lines)


def note(session: Session, consumer: str, row: Any, **said: Any) -> None:
    """One line about the event at `row`."""
    session.execute(
        insert(parked_history).values(
            consumer=consumer, log=row.log, position=row.position, at=clock.now(), **said
        )
    )
