"""What bookkeepers decide in a world: holds and corrections, by one and by another (chapter 9)."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.orm import Session

from ates.accounting.service import corrections, holds
from ates.kernel.errors import Refusal
from tests.accounting.machine.rows import Rows, read

if TYPE_CHECKING:
    from tests.accounting.machine.world import World

ONE, OTHER = UUID(int=0xE1), UUID(int=0xE2)  # two bookkeepers, without accounts
WHY = "somebody looked at it"


def hold(world: "World", what: str, who: UUID) -> None:
    """Hold the oldest unpaid day, an account, or everything; what cannot be held is refused."""
    unpaid = [day.business_date for day in read(world.database).days if day.state != "paid"]

    def put(session: Session) -> None:
        by: dict[str, Any] = {"reason": WHY, "by": ONE}
        if what == "everything":
            holds.hold_everything(session, world.books, **by)
        elif what == "account":
            holds.hold_account(session, world.books, who, **by)
        elif unpaid:
            holds.hold_day(session, world.books, unpaid[0], **by)

    _decide(world, put)
    rows = read(world.database)
    for row in rows.active_holds:
        world.held_since.setdefault(row.id, rows.head.last_entry_no)


def release(world: "World") -> None:
    """Another person ends the oldest hold; whoever set it is refused."""
    for row in read(world.database).active_holds[:1]:
        for by in (ONE, OTHER):
            _decide(world, partial(_release, world, row.id, by))


def correct(world: "World", who: UUID, cents: int) -> None:
    """One asks for a correction, another approves; the own approval is refused."""

    def ask(session: Session) -> UUID:
        asked = corrections.request_correction(
            session, world.books, person=who, amount_cents=cents, reason=WHY, by=ONE
        )
        return asked.id

    _approve(world, ask)


def reverse(world: "World", which: int) -> None:
    """The same for the reversal of an entry; the second one is refused, a payout's always."""
    entries = read(world.database).entries
    if not entries:
        return
    number = entries[which % len(entries)].entry_no

    def ask(session: Session) -> UUID:
        asked = corrections.request_reversal(
            session, world.books, entry_no=number, reason=WHY, by=ONE
        )
        return asked.id

    _approve(world, ask)


def broken(world: "World", rows: Rows) -> Iterator[str]:
    """C6: nothing is paid while it is held. P16: four eyes; one reversal an entry."""
    for row in rows.active_holds:
        since = world.held_since.get(row.id, rows.head.last_entry_no)
        for entry in rows.entries:
            if entry.kind != "payout" or entry.entry_no <= since:
                continue
            day = row.business_date is None or entry.business_date >= row.business_date
            if day and row.account_id in (None, entry.account_id):
                yield f"C6 entry {entry.entry_no} was paid while it was held"
    for row in rows.holds:
        if row.released_by is not None and row.released_by == row.held_by:
            yield f"P16 {row.held_by} released the own hold"
    yield from _corrections(rows)


def _corrections(rows: Rows) -> Iterator[str]:
    entries = {entry.entry_no: entry for entry in rows.entries}
    reversed_: set[int] = set()
    for row in rows.adjustments:
        if row.decided_by is not None and row.decided_by == row.requested_by:
            yield f"P16 {row.decided_by} approved the own request"
        if row.state != "approved":
            continue
        entry = entries[row.entry_no]
        if (entry.account_id, entry.amount_cents) != (row.account_id, row.amount_cents):
            yield f"P16 correction {row.id} is not what was booked for it"
        if row.reverses_entry_no is not None:
            undone = entries[row.reverses_entry_no]
            if row.reverses_entry_no in reversed_ or undone.amount_cents != -row.amount_cents:
                yield f"P16 entry {row.reverses_entry_no} is reversed twice, or by another amount"
            reversed_.add(row.reverses_entry_no)


def _release(world: "World", hold_id: UUID, by: UUID, session: Session) -> None:
    holds.release(session, world.books, hold_id, by=by)


def _approve(world: "World", ask: Callable[[Session], UUID]) -> None:
    asked = _decide(world, ask)
    if asked is None:
        return
    for by in (ONE, OTHER):
        _decide(world, partial(_approved, world, asked, by))


def _approved(world: "World", asked: UUID, by: UUID, session: Session) -> None:
    corrections.approve_correction(session, world.books, asked, by=by)


def _decide(world: "World", act: Callable[[Session], Any]) -> Any:
    """An act in a transaction of its own; a refusal changes nothing."""
    with world.running():
        try:
            with world.database.transaction() as session:
                return act(session)
        except Refusal:
            return None
