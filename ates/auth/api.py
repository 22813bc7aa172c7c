"""The JSON endpoints of auth: oneself, and people for admins (R3)."""

from typing import Annotated, Literal, TypeVar
from uuid import UUID

from flask import url_for
from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy.orm import Session

from ates.auth import details, passwords, queries, service
from ates.auth.queries import PersonRow
from ates.auth.service import Amendment, Taken
from ates.contracts.auth import Role
from ates.kernel.db import reading, transaction
from ates.kernel.errors import Conflict
from ates.web.access import ADMINS, EVERYBODY, allow
from ates.web.api import Answer, Api, Cursor, Instant, Listed, Page, example, line, once
from ates.web.identity import me

api = Api("auth")

T = TypeVar("T")


def told(most: int, value: str, description: str = "", **schema: object) -> Meta:
    """Words of a field for the description; the judge is `details`, with the pages' sentences."""
    return Meta(
        examples=[value],
        description=description or None,
        extra_json_schema={"maxLength": most, **schema},
    )


Name = Annotated[str, told(details.NAME_LENGTH, "Kesha A.", pattern=details.SEEN, minLength=1)]
Trade = Annotated[
    str, told(details.TRADE_LENGTH, "developer", "Gives no rights.", pattern=details.NOT_UNSEEN)
]
Email = Annotated[str, told(details.EMAIL_LENGTH, "kesha@popug.example", format="email")]
Password = Annotated[
    str,
    told(
        passwords.LONGEST,
        "three birds on a roof",
        "Common words are refused. Without a password a letter invites the person to set one.",
        minLength=passwords.SHORTEST,
        format="password",
        writeOnly=True,
    ),
]


class Person(Struct):
    """Somebody who may sign in, or could before."""

    id: UUID
    email: Annotated[str, example("kesha@popug.example")]
    name: Annotated[str, example("Kesha A.")]
    role: Role
    trade: Annotated[str, example("developer")] | None
    active: bool
    created_at: Instant


class People(Page):
    """`role` and `active` narrow; `q` is looked for in name, e-mail and trade."""

    role: Role | None = None
    active: bool | None = None
    q: Annotated[str, line(100, "kesha")] | None = None


class NewPerson(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody to register."""

    email: Email
    name: Name
    role: Role
    trade: Trade | None = None
    password: Password | None = None
    locale: Literal["en", "ru"] = "en"


class Changes(Struct, forbid_unknown_fields=True, kw_only=True):
    """What should be otherwise; what is left out stays."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    trade: Trade | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET


@api.reads("/me", Person)
@allow(EVERYBODY)
def mine() -> Person:
    """Whose token this is."""
    with reading("auth") as session:
        return _person(queries.person(session, me().id))


PEOPLE = Cursor(UUID)


@api.lists("/people", Person, query=People)
@allow(ADMINS)
def people(query: People) -> Listed[Person]:
    """Everybody, the latest registered first."""
    place = PEOPLE.read(query.after)
    with reading("auth") as session:
        found = queries.newest_people(
            session,
            q=query.q or "",
            role=query.role,
            active=query.active,
            before=place[0] if place else None,
            limit=query.limit + 1,
        )
    return PEOPLE.listed(found, query.limit, lambda row: (row.id,), _person)


@api.acts("/people", {201: Person}, body=NewPerson)
@allow(ADMINS)
def register(body: NewPerson) -> Answer:
    """Register a person. Without a password a letter invites them to set one.

    An e-mail that somebody has already, in any case, is a conflict.
    """
    details.checked(body.email, body.name, body.trade, body.locale)
    phc = _hashed(body.password, (body.email, body.name)) if body.password is not None else None

    def do(session: Session) -> Answer:
        person = service.create_person(
            session,
            email=body.email,
            name=body.name,
            role=body.role,
            trade=body.trade,
            locale=body.locale,
            password_hash=phc,
        )
        if phc is None:
            service.invite(session, person.id)
        made = _person(queries.person(session, person.id))
        return Answer(made, 201, url_for("auth_api.one", id=person.id))

    try:
        return once("auth", do)
    except Taken as error:
        (sentence,) = error.fields.values()
        raise Conflict(sentence, fields=error.fields) from error


@api.reads("/people/<uuid:id>", Person)
@allow(ADMINS)
def one(id: UUID) -> Person:
    """One person."""
    with reading("auth") as session:
        return _person(queries.person(session, id))


@api.acts("/people/<uuid:id>", {200: Person}, body=Changes, refuses=(409,), method="PATCH")
@allow(ADMINS)
def change(id: UUID, body: Changes) -> Person:
    """Change a person: all that is named, or nothing.

    The last active admin stays one, and nobody changes their own role. Somebody who is not active
    is signed out at once, and their open tasks are drawn again.
    """
    wanted = Amendment(
        name=_given(body.name),
        role=_given(body.role),
        trade="" if body.trade is None else _given(body.trade),
        active=_given(body.active),
    )
    with transaction("auth") as session:
        service.amend_person(session, id, wanted, by=me().id)
        return _person(queries.person(session, id))


# --- how ------------------------------------------------------------------------------------------


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value


def _hashed(password: str, about: tuple[str, ...]) -> str:
    """Hashing is slow on purpose: it is done before the transaction, which would hold locks."""
    passwords.check(password, about=about)
    return passwords.hashed(password)


def _person(row: PersonRow) -> Person:
    return Person(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        trade=row.trade,
        active=row.active,
        created_at=row.created_at,
    )
