"""Holding and releasing payouts: one person holds, another one releases (books.md, chapter 9)."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from ates.accounting import holds
from ates.accounting.holds import ACTIVE, EVERYTHING, Target
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import Account, BusinessDay, Hold
from ates.accounting.models.decisions import LEAST, MOST
from ates.kernel.errors import N_, Conflict, Forbidden, Invalid, NotFound

REASON = N_("Write the reason in 10 to 500 characters.")
NO_DAY = N_("The books have no such day.")
NO_ACCOUNT = N_("There is no such account.")
NO_HOLD = N_("There is no such hold.")
PAID = N_("%(day)s is paid: there is nothing left to hold.")
HELD_DAY = N_("%(day)s is held already.")
HELD_ACCOUNT = N_("This account is held already.")
HELD_ALL = N_("All payouts and letters are held already.")


def hold_day(session: Session, books: Books, day: date, *, reason: str, by: UUID) -> UUID:
    """Stop the payout of `day`, also in the middle of it, and of all later days; closing goes on.

    Raises Invalid for the reason, NotFound for a day the books do not have, Conflict for a paid or
    held one.
    """
    plain = _reason(reason)
    Ledger.lock(session)
    row = session.get(BusinessDay, day, populate_existing=True)
    if row is None:
        raise NotFound(NO_DAY)
    if row.state == "paid":
        raise Conflict(PAID, day=day)
    if holds.read(session).days.get(day) is not None:
        raise Conflict(HELD_DAY, day=day)
    return holds.put(session, books, Target(day=day), reason=plain, by=by)


def hold_account(session: Session, books: Books, person: UUID, *, reason: str, by: UUID) -> UUID:
    """Freeze an account: every payout skips it; the first day unpaid at its release pays it all.

    Raises Invalid for the reason, NotFound for somebody without an account, Conflict for a held
    one.
    """
    plain = _reason(reason)
    Ledger.lock(session)
    account_id = session.scalar(select(Account.id).where(Account.person_id == person))
    if account_id is None:
        raise NotFound(NO_ACCOUNT)
    if account_id in holds.read(session).accounts:
        raise Conflict(HELD_ACCOUNT)
    return holds.put(session, books, Target(account_id=account_id), reason=plain, by=by)


def hold_everything(session: Session, books: Books, *, reason: str, by: UUID) -> UUID:
    """Stop all payouts and the letters about them. Posting and closing go on.

    Raises Invalid for the reason, Conflict while a person's hold of everything is active; one that
    the proof of the books set is another.
    """
    plain = _reason(reason)
    Ledger.lock(session)
    found = select(Hold.id).where(ACTIVE, holds.OF_ALL, Hold.held_by.is_not(None))
    if session.scalar(select(found.exists())):
        raise Conflict(HELD_ALL)
    return holds.put(session, books, EVERYTHING, reason=plain, by=by)


def release(session: Session, books: Books, hold_id: UUID, *, by: UUID) -> Hold:
    """End a hold; what is over already stays as it is, whoever ended it.

    Raises NotFound, or Forbidden for the own hold and the own account. A hold that the proof of
    the books set is nobody's: everybody who keeps the books may release it.
    """
    Ledger.lock(session)
    row = session.execute(
        select(Hold, Account.person_id)
        .outerjoin(Account, Account.id == Hold.account_id)
        .where(Hold.id == hold_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(NO_HOLD)
    hold: Hold = row[0]
    if hold.released_at is not None:
        return hold
    refusal = holds.against_release(held_by=hold.held_by, owner=row[1], by=by)
    if refusal is not None:
        raise Forbidden(refusal)
    holds.lift(session, books, hold, by=by)
    return hold


def _reason(text: str) -> str:
    plain = text.strip()
    if not LEAST <= len(plain) <= MOST:
        raise Invalid(REASON, fields={"reason": REASON})
    return plain
