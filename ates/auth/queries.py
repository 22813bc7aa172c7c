"""What pages and commands read of people and sessions: plain frozen rows."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from ates.auth import details
from ates.auth.models import Person, SignedIn
from ates.auth.service.people import NO_PERSON
from ates.auth.tokens import Subject
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


@dataclass(frozen=True)
class Found:
    """A session with whose it is."""

    row: SignedIn
    subject: Subject


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
    wanted = _PEOPLE.order_by(Person.name_key, Person.id).limit(limit + 1)
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
    if (place := _place(after)) is not None:
        name, last = place
        wanted = wanted.where(
            or_(Person.name_key > name, and_(Person.name_key == name, Person.id > last))
        )
    found = session.execute(wanted).all()
    rows = tuple(_row(each) for each in found[:limit])
    return People(rows, _cursor(found[limit - 1]) if len(found) > limit else None)


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


def session_of(session: Session, session_hash: str) -> Found | None:
    """The session with this hash and its active person; it may be over."""
    found = session.execute(
        select(SignedIn, Person)
        .join(Person, Person.id == SignedIn.person_id)
        .where(SignedIn.hash == session_hash, Person.active)
    ).first()
    if found is None:
        return None
    row, whose = found
    subject = Subject(
        row.hash, whose.id, whose.name, Role(whose.role), whose.locale, whose.epoch, row.level
    )
    session.expunge_all()  # frozen from here on
    return Found(row, subject)


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
