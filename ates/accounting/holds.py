"""What is held: days, accounts, or everything, until another person releases it (books.md, 9)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, insert, select, update
from sqlalchemy.orm import Session

from ates.accounting.auditing import Record, audit_of
from ates.accounting.keyring import Books
from ates.accounting.ledger import Ledger
from ates.accounting.models import BusinessDay, Hold
from ates.accounting.models.decisions import MOST
from ates.kernel import clock, ids
from ates.kernel.errors import N_

SET, RELEASED = "hold.set", "hold.release"  # acts of the audit log

OWN_HOLD = N_("You set the hold; another person releases it.")
OWN_ACCOUNT = N_("This is your own account.")

ACTIVE = Hold.released_at.is_(None)
OF_ALL = and_(Hold.business_date.is_(None), Hold.account_id.is_(None))


@dataclass(frozen=True)
class Stop:
    """A hold that a payout waits for: of this day, or, without one, of everything."""

    id: UUID
    day: date | None
    reason: str


@dataclass(frozen=True)
class Held:
    """All that is held, in one read."""

    everything: Stop | None = None
    days: Mapping[date, Stop] = field(default_factory=dict)
    accounts: frozenset[int] = frozenset()

    def stop(self, day: date) -> Stop | None:
        """What keeps `day` from being paid: a held day stops all later ones, they build on it."""
        first = min((each for each in self.days if each <= day), default=None)
        return self.everything or (self.days[first] if first is not None else None)


@dataclass(frozen=True)
class Target:
    """What a hold is of: a day, an account, or neither, which is all payouts and letters."""

    day: date | None = None
    account_id: int | None = None


EVERYTHING = Target()


def read(session: Session) -> Held:
    """What is held in this snapshot; under the head lock, what is held now."""
    everything: Stop | None = None
    days: dict[date, Stop] = {}
    accounts = set()
    rows = session.execute(
        select(Hold.id, Hold.business_date, Hold.account_id, Hold.reason)
        .where(ACTIVE)
        .order_by(Hold.id.desc())  # of several of one kind the first one counts
    )
    for row in rows:
        if row.account_id is not None:
            accounts.add(row.account_id)
        elif row.business_date is not None:
            days[row.business_date] = Stop(row.id, row.business_date, row.reason)
        else:
            everything = Stop(row.id, None, row.reason)
    return Held(everything, days, frozenset(accounts))


def of_accounts() -> Select[int | None]:
    """The accounts that are held now, for a query that leaves them out."""
    return select(Hold.account_id).where(ACTIVE, Hold.account_id.is_not(None))


def is_held() -> ColumnElement[bool]:
    """Whether a day is held, for a query over days: it is shown instead of the state."""
    return exists().where(ACTIVE, Hold.business_date == BusinessDay.business_date)


def letters_stand(session: Session) -> bool:
    """Whether everything is held: payouts stop, and so do the letters about them."""
    return bool(session.scalar(select(select(Hold.id).where(ACTIVE, OF_ALL).exists())))


def last_act(session: Session) -> datetime | None:
    """When something was held or released last."""
    moments = session.execute(select(func.max(Hold.held_at), func.max(Hold.released_at))).one()
    return max((each for each in moments if each is not None), default=None)


def against_release(*, held_by: UUID | None, owner: UUID | None, by: UUID) -> str | None:
    """Why this person may not release a hold; None: they may."""
    if held_by == by:
        return OWN_HOLD
    return OWN_ACCOUNT if owner == by else None


# --- acts: the caller has locked the head, so that a batch of a payout is before them or after ----


def put(session: Session, books: Books, target: Target, *, reason: str, by: UUID | None) -> UUID:
    """Hold it from now on; without `by` the proof of the books does."""
    id_, now = ids.new(), _moment(session)
    session.execute(
        insert(Hold).values(
            id=id_,
            business_date=target.day,
            account_id=target.account_id,
            reason=reason,
            held_by=by,
            held_at=now,
        )
    )
    told = {"day": target.day, "account": target.account_id, "at": told_at(now)}
    record = Record(SET, f"hold {id_}", actor=by, after=told, reason=reason)
    audit_of(books).write(session, record)
    return id_


def lift(session: Session, books: Books, hold: Hold, *, by: UUID) -> None:
    """Release an active hold."""
    now = max(_moment(session), hold.held_at)
    session.execute(
        update(Hold)
        .where(Hold.id == hold.id)
        .values(released_by=by, released_at=now)
        .execution_options(synchronize_session="fetch")
    )
    record = Record(RELEASED, f"hold {hold.id}", actor=by, after={"at": told_at(now)})
    audit_of(books).write(session, record)


def differ(session: Session, books: Books, reason: str) -> UUID | None:
    """A check found a difference: hold everything, once; None while it still holds it.

    A release lets payouts and letters go on, whatever the books say; the next check that finds a
    difference holds them again.
    """
    Ledger.lock(session)
    own: ColumnElement[bool] = and_(ACTIVE, OF_ALL, Hold.held_by.is_(None))
    if session.scalar(select(select(Hold.id).where(own).exists())):
        return None
    return put(session, books, EVERYTHING, reason=reason[:MOST], by=None)


def told_at(moment: datetime) -> str:
    """A moment of a hold as its row of the audit log has it."""
    return moment.astimezone(UTC).isoformat()


def _moment(session: Session) -> datetime:
    """Now, but not before the last payment, wherever the clock went since: `verify` tells from
    these moments which day was paid before a hold and which after."""
    paid = session.scalar(select(func.max(BusinessDay.paid_at)))
    return max(clock.now(), paid) if paid is not None else clock.now()
