"""Proof of the books: `quick` sums, the blocks since last time, or everything (books.md, 14)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ates.accounting import holds
from ates.accounting.anchors import Anchor
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import Head
from ates.accounting.verify.anchors import against
from ates.accounting.verify.audit import audit
from ates.accounting.verify.blocks import Inspection, Progress
from ates.accounting.verify.crew import Crew, at_work
from ates.accounting.verify.difference import Difference, dollars, headline
from ates.accounting.verify.log import log
from ates.accounting.verify.quick import quick, trial_balance
from ates.accounting.verify.settled import settled
from ates.accounting.verify.sums import sums

__all__ = [
    "Crew",
    "Difference",
    "Found",
    "Level",
    "Progress",
    "dollars",
    "headline",
    "mark",
    "quick",
    "trial_balance",
    "verify",
]

SHOWN = 100

Level = Literal["quick", "new", "full"]


@dataclass(frozen=True)
class Found:
    """What a check saw, in one snapshot."""

    level: Level
    entries: int  # inspected one by one, or, for `quick`, in the ledger
    block_no: int  # up to here
    differences: list[Difference]  # the first hundred


def verify(
    session: Session,
    books: Books,
    level: Level,
    *,
    crew: Crew | None = None,
    anchors: Sequence[Anchor | str] = (),
    progress: Progress = lambda *_: None,
) -> Found:
    """Check the books in the snapshot of `session`; no difference on honest books.

    A `crew` shares a long chain among processes; one that fails raises. `anchors` are lines to
    compare with, at any level.
    """
    found = _first(quick(session)) + _first(against(session, anchors))
    head = session.execute(select(Head.__table__)).one()
    if level == "quick":
        return Found(level, head.last_entry_no, head.last_block_no, found[:SHOWN])
    begin, end = 0 if level == "full" else head.verified_block_no, head.last_block_no
    rest = _rest if level == "full" else _nothing
    if crew is not None and crew.worth(session, begin, end):
        with at_work(crew, session, books, begin, end, level == "full") as shift:
            more = _first(rest(session, books))
            parts = shift.collect(session, progress)
        entries = sum(part.entries for part in parts)
        found += [each for part in parts for each in part.differences]
    else:
        inspection = Inspection.after(session, books, begin, all_drawn=level == "full")
        found += _first(inspection.run(progress=progress))
        entries, end = inspection.entries, inspection.block_no
        more = _first(rest(session, books))
    return Found(level, entries, end, (found + more)[:SHOWN])


def mark(session: Session, books: Books, found: Found) -> UUID | None:
    """Remember how far the chain was proven, so that the next check begins there.

    A difference holds all payouts and letters instead; gives that hold, if it is a new one.
    """
    if found.differences:
        return holds.differ(session, books, f"The books differ: {found.differences[0]}")
    if found.level == "quick":
        return None
    if Ledger.lock(session).verified_block_no < found.block_no:
        session.execute(
            update(Head)
            .where(Head.id == 1)
            .values(verified_block_no=found.block_no)
            .execution_options(synchronize_session=False)
        )
    return None


def _rest(session: Session, books: Books) -> Iterator[Difference]:
    """What only a full check looks at, beside the chain from its first block."""
    yield from sums(session, books)
    yield from settled(session)
    yield from log(session)
    yield from audit(session, books)


def _nothing(session: Session, books: Books) -> Iterator[Difference]:
    return iter(())


def _first(differences: Iterable[Difference]) -> list[Difference]:
    return list(islice(differences, SHOWN))
