"""Proof of the books: `quick` sums, the blocks since last time, or everything (books.md, 14)."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ates.accounting import holds
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import Head
from ates.accounting.verify.audit import audit
from ates.accounting.verify.blocks import Inspection
from ates.accounting.verify.difference import Difference, dollars, headline
from ates.accounting.verify.log import log
from ates.accounting.verify.quick import quick, trial_balance
from ates.accounting.verify.settled import settled
from ates.accounting.verify.sums import sums

__all__ = [
    "Difference",
    "Found",
    "Level",
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


def verify(session: Session, books: Books, level: Level) -> Found:
    """Check the books in the snapshot of `session`; no difference on honest books."""
    found = _first(quick(session))
    head = session.execute(select(Head.__table__)).one()
    if level == "quick":
        return Found(level, head.last_entry_no, head.last_block_no, found)
    begin = 0 if level == "full" else head.verified_block_no
    inspection = Inspection.after(session, books, begin)
    found += _first(inspection.run())
    if level == "full":
        found += _first(sums(session, books)) + _first(settled(session)) + _first(log(session))
        found += _first(audit(session, books))
    return Found(level, inspection.entries, inspection.block_no, found[:SHOWN])


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


def _first(differences: Iterable[Difference]) -> list[Difference]:
    return list(islice(differences, SHOWN))
