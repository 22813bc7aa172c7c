"""Holds as pages and commands show them, and the people who decide about them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from ates.accounting.holds import ACTIVE, OF_ALL, against_release
from ates.accounting.models import Account, Hold, Person
from ates.contracts.auth import Role
from ates.kernel.errors import N_, Forbidden, NotFound

PAGE = 50

ShownState = Literal["open", "closed", "held", "paid"]
KEEPERS = (Role.ACCOUNTANT, Role.ADMIN)


@dataclass(frozen=True)
class HoldRow:
    """One hold, active or over."""

    id: UUID
    day: date | None
    person_id: UUID | None  # whose account
    name: str | None
    reason: str
    held_by: UUID | None  # None: the proof of the books
    holder: str | None
    held_at: datetime
    released_by: UUID | None
    releaser: str | None
    released_at: datetime | None

    @property
    def of(self) -> Literal["day", "account", "everything"]:
        if self.day is not None:
            return "day"
        return "account" if self.person_id is not None else "everything"

    @property
    def active(self) -> bool:
        return self.released_at is None

    def against(self, by: UUID) -> str | None:
        """Why this person may not release it, in a sentence for the place of the button."""
        return against_release(held_by=self.held_by, owner=self.person_id, by=by)


@dataclass(frozen=True)
class HoldPage:
    """Holds, newest first, and where the next page begins."""

    rows: tuple[HoldRow, ...]
    older: UUID | None


def holds(
    session: Session, *, active: bool, after: UUID | None = None, limit: int = PAGE
) -> HoldPage:
    """Holds, newest first: their ids rise with time."""
    query = _holds()
    if active:
        query = query.where(ACTIVE)
    if after is not None:
        query = query.where(Hold.id < after)
    rows = session.execute(query.order_by(Hold.id.desc()).limit(limit + 1)).all()
    shown = tuple(HoldRow(*row) for row in rows[:limit])
    return HoldPage(shown, shown[-1].id if len(rows) > limit else None)


def of_day(session: Session, day: date) -> HoldRow | None:
    """The active hold of a day."""
    row = session.execute(_holds().where(ACTIVE, Hold.business_date == day).limit(1)).one_or_none()
    return HoldRow(*row) if row is not None else None


def of_account(session: Session, person_id: UUID) -> HoldRow | None:
    """The active hold of a person's account."""
    row = session.execute(
        _holds().where(ACTIVE, Account.person_id == person_id).limit(1)
    ).one_or_none()
    return HoldRow(*row) if row is not None else None


def of_everything(session: Session) -> HoldRow | None:
    """The oldest active hold of all payouts and letters."""
    row = session.execute(_holds().where(ACTIVE, OF_ALL).order_by(Hold.id).limit(1)).one_or_none()
    return HoldRow(*row) if row is not None else None


def person_by_email(session: Session, email: str) -> UUID:
    """Raises NotFound for an address that accounting has not heard of."""
    return _person(session, email)[0]


def bookkeeper(session: Session, email: str) -> UUID:
    """Somebody who keeps the books, by address. Raises NotFound, or Forbidden for others."""
    person_id, role, active = _person(session, email)
    if not active or role not in KEEPERS:
        raise Forbidden(N_("Only active accountants and admins decide about holds."))
    return person_id


def _person(session: Session, email: str) -> tuple[UUID, str, bool]:
    rows = session.execute(
        select(Person.person_id, Person.role, Person.active)
        .where(func.lower(Person.email) == email.strip().lower())
        .order_by(Person.active.desc())
        .limit(1)
    ).all()
    if not rows:
        raise NotFound(N_("Accounting knows nobody with this e-mail."))
    return rows[0].person_id, rows[0].role, rows[0].active


def _holds() -> Select[*tuple[Any, ...]]:
    holder, releaser = aliased(Person), aliased(Person)
    return (
        select(
            Hold.id,
            Hold.business_date,
            Account.person_id,
            Person.name,
            Hold.reason,
            Hold.held_by,
            holder.name,
            Hold.held_at,
            Hold.released_by,
            releaser.name,
            Hold.released_at,
        )
        .select_from(Hold)
        .outerjoin(Account, Account.id == Hold.account_id)
        .outerjoin(Person, Person.person_id == Account.person_id)
        .outerjoin(holder, holder.person_id == Hold.held_by)
        .outerjoin(releaser, releaser.person_id == Hold.released_by)
    )
