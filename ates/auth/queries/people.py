"""People as pages, programs and commands see them."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ates.auth import details
from ates.auth.models import Person
from ates.auth.service.people import NO_PERSON
from ates.contracts.auth import Role
from ates.kernel.errors import NotFound

PAGE = 50


@dataclass(frozen=True)
class PersonRow:
    """A person as pages show one."""

    id: UUID
    email: str
    name: str
    role: Role
    trade: str | None
    locale: str
    active: bool
    invited: bool  # has no password yet
    created_at: datetime
    last_sign_in_at: datetime | None


@dataclass(frozen=True)
class People:
    """One page of the list; `after` leads to the next one."""

    rows: tuple[PersonRow, ...]
    after: str | None


def people(
    session: Session,
    *,
    q: str = "",
    role: Role | None = None,
    active: bool | None = None,
    after: str = "",
    limit: int = PAGE,
) -> People:
    """People by name, those whose name, e-mail or trade has `q` in it."""
    wanted = _those(q, role, active).order_by(Person.name_key, Person.id).limit(limit + 1)
    if (place := _place(after)) is not None:
        name, last = place
        wanted = wanted.where(
            or_(Person.name_key > name, and_(Person.name_key == name, Person.id > last))
        )
    found = session.execute(wanted).all()
    rows = tuple(_row(each) for each in found[:limit])
    return People(rows, _cursor(found[limit - 1]) if len(found) > limit else None)


def newest_people(
    session: Session,
    *,
    q: str = "",
    role: Role | None = None,
    active: bool | None = None,
    before: UUID | None = None,
    limit: int = PAGE,
) -> list[PersonRow]:
    """The same people, the latest registered first: ids are made in the order of time."""
    wanted = _those(q, role, active).order_by(Person.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(Person.id < before)
    return [_row(each) for each in session.execute(wanted)]


def person(session: Session, person_id: UUID) -> PersonRow:
    """One person. Raises NotFound."""
    found = session.execute(_PEOPLE.where(Person.id == person_id)).first()
    if found is None:
        raise NotFound(NO_PERSON)
    return _row(found)


def person_by_email(session: Session, email: str) -> PersonRow:
    """One person, by the e-mail in any case. Raises NotFound."""
    found = session.execute(_PEOPLE.where(Person.email_key == details.folded(email))).first()
    if found is None:
        raise NotFound(NO_PERSON)
    return _row(found)


def is_only_admin(session: Session, person_id: UUID) -> bool:
    """Whether nobody else is an active admin (R3)."""
    admins = session.scalars(
        select(Person.id).where(Person.role == Role.ADMIN, Person.active).limit(2)
    )
    return list(admins) == [person_id]


def password_hash_of(session: Session, person_id: UUID) -> str | None:
    """For the one who changes the own password."""
    return session.scalar(select(Person.password_hash).where(Person.id == person_id))


_Wanted = Select[UUID, str, str, str, Role, str | None, str, bool, bool, datetime, datetime | None]
_PEOPLE: _Wanted = select(
    Person.id,
    Person.email,
    Person.name,
    Person.name_key,
    Person.role,
    Person.trade,
    Person.locale,
    Person.active,
    Person.password_hash.is_(None).label("invited"),
    Person.created_at,
    Person.last_sign_in_at,
)


def _those(q: str, role: Role | None, active: bool | None) -> _Wanted:
    wanted = _PEOPLE
    if q:
        key = details.folded(q)
        wanted = wanted.where(
            or_(
                Person.name_key.contains(key, autoescape=True),
                Person.email_key.contains(key, autoescape=True),
                func.lower(Person.trade).contains(key, autoescape=True),
            )
        )
    if role is not None:
        wanted = wanted.where(Person.role == role)
    if active is not None:
        wanted = wanted.where(Person.active == active)
    return wanted


def _row(found: Row[*tuple[object, ...]]) -> PersonRow:
    values = dict(found._mapping)
    del values["name_key"]
    return PersonRow(**{**values, "role": Role(values["role"]), "invited": bool(values["invited"])})


def _cursor(found: Row[*tuple[object, ...]]) -> str:
    place = json.dumps([found.name_key, str(found.id)])
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[str, UUID] | None:
    """Where a page begins; a cursor that is none of ours begins at the beginning."""
    try:
        place: Sequence[str] = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return str(place[0]).replace("\0", ""), UUID(place[1])
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
