"""The state of the house as programs get it: one object for the API and for `flask ops status`."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from ates import __version__
from ates.kernel.context import Context
from ates.kernel.db import Database
from ates.ops import health, pulse
from ates.ops.models import Check
from ates.ops.pulse import Lag, Picture
from ates.web.api import Count, Instant, example

LETTERS = ("queued", "sending", "sent", "failed", "unknown")


class ConsumerFacts(Struct):
    """How far one consumer is."""

    name: Annotated[str, example("accounting")]
    position: Count
    lag_events: Annotated[int, Meta(ge=0, description="Numbered and not read yet.")]
    lag_seconds: Annotated[float, Meta(ge=0, description="Age of the oldest of them.")]
    parked: Annotated[int, Meta(ge=0, description="Failed, tried again by themselves.")]
    blocked: Annotated[int, Meta(ge=0, description="Behind a failed one of their stream.")]
    dead: Annotated[int, Meta(ge=0, description="They wait for a person.")]


class LetterFacts(Struct):
    """Letters by state, of all parts."""

    queued: Count
    sending: Count
    sent: Count
    failed: Count
    unknown: Count


class BookFacts(Struct):
    """What the last check of the books found; null before the first."""

    checked_at: Instant | None
    ok: bool | None


class Status(Struct):
    """How aTES stands."""

    healthy: bool
    version: Annotated[str, example("0.1.0")]
    outbox: Annotated[int, Meta(ge=0, description="Committed events without a number yet.")]
    log_head: Annotated[int, Meta(ge=0, description="The last numbered event.")]
    consumers: list[ConsumerFacts]
    letters: LetterFacts
    oldest_unpaid_day: date | None
    books: BookFacts


def status(database: Database, contexts: Sequence[Context]) -> Status:
    """The whole of it, now."""
    picture = pulse.look(database, contexts)
    with database.reading() as session:
        books = _books(session)
    return Status(
        healthy=not health.of_report(picture.report),
        version=__version__,
        outbox=picture.report.staged + picture.report.held,
        log_head=picture.report.head,
        consumers=[_consumer(each) for each in picture.lags],
        letters=_letters(picture),
        oldest_unpaid_day=picture.told.get("oldest_unpaid_day"),
        books=books,
    )


def told(found: Status) -> str:
    """The same for people."""
    lines = [
        f"{each.name}: at {each.position:,}, {each.lag_events:,} behind ({each.lag_seconds:.0f} s),"
        f" parked {each.parked:,}, blocked {each.blocked:,}, dead {each.dead:,}"
        for each in found.consumers
    ]
    letters = ", ".join(f"{name} {getattr(found.letters, name):,}" for name in LETTERS)
    books = f"checked {found.books.checked_at:%Y-%m-%d %H:%M:%SZ}" if found.books.checked_at else ""
    verdict = {True: "balance", False: "DIFFER", None: "were never checked"}[found.books.ok]
    return "\n".join(
        (
            f"Log at {found.log_head:,}; staged {found.outbox:,}.",
            *lines,
            f"Letters: {letters}.",
            f"Oldest unpaid day: {found.oldest_unpaid_day or 'none'}.",
            f"The books {verdict} {books}".rstrip() + ".",
            "Healthy." if found.healthy else "NOT healthy.",
        )
    )


def _consumer(lag: Lag) -> ConsumerFacts:
    return ConsumerFacts(
        name=lag.line.name,
        position=lag.line.position,
        lag_events=lag.line.behind,
        lag_seconds=max(0.0, round(lag.age.total_seconds(), 3)) if lag.age else 0.0,
        parked=lag.line.retry,
        blocked=lag.line.blocked,
        dead=lag.line.dead,
    )


def _letters(picture: Picture) -> LetterFacts:
    sums = {name: sum(box.states.get(name, 0) for box in picture.boxes) for name in LETTERS}
    return LetterFacts(**sums)


def _books(session: Session) -> BookFacts:
    """The newest check of accounting, quick or full."""
    found: Check | None = session.scalars(
        select(Check).where(Check.part == "accounting").order_by(Check.checked_at.desc()).limit(1)
    ).first()
    when: datetime | None = found.checked_at if found else None
    return BookFacts(checked_at=when, ok=found.ok if found else None)
