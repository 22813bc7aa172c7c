"""People for tests, with a password that is hashed once per run."""

from functools import cache
from itertools import count
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ates.auth import passwords, service
from ates.auth.gate import keys
from ates.auth.models import Link, Person
from ates.contracts.auth import Role
from ates.kernel.db import reading, transaction
from tests.engines.people import Visitor, form_of

PASSWORD = "three birds on a roof"
DOOR = "/auth/sign-in"
INSIDE = "/auth/me"

_numbers = count(1)


@cache
def password_hash() -> str:
    return passwords.hashed(PASSWORD)


def person(session: Session, role: Role = Role.EMPLOYEE, **about: Any) -> Person:
    """A registered person who can sign in with PASSWORD."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "email": f"popug{number}@popug.example",
        "name": f"Popug {number}",
        "password_hash": password_hash(),
    }
    return service.create_person(session, role=role, **(values | about))


def somebody(app: Flask, role: Role = Role.EMPLOYEE, **about: Any) -> Person:
    """The same, committed."""
    with app.app_context(), transaction("auth") as session:
        return person(session, role, **about)


def knock(client: Visitor, email: str, password: str = PASSWORD, **more: Any) -> TestResponse:
    """Type into the sign-in page."""
    return client.submit(DOOR, email=email, password=password, **more)


def enter(app: Flask, who: Person) -> Visitor:
    """A browser of its own in which this person has signed in."""
    client = app.test_client()
    assert isinstance(client, Visitor)
    answer = knock(client, who.email)
    assert answer.status_code == 303, answer.text
    return client


def is_in(client: FlaskClient) -> bool:
    """Whether the cookies still open a page; else they lead to the door."""
    answer = client.get(INSIDE)
    assert answer.status_code in (200, 303)
    assert answer.status_code == 200 or answer.location.startswith(DOOR)
    return answer.status_code == 200


def again(app: Flask, client: FlaskClient) -> FlaskClient:
    """A thief's browser with a copy of all cookies."""
    thief = app.test_client()
    for name in ("ates_session", "ates_token", "session"):
        cookie = client.get_cookie(name)
        if cookie is not None:
            thief.set_cookie(name, cookie.value)
    return thief


def links_of(app: Flask, who: Person) -> list[str]:
    """The paths that the letters of this person lead to, oldest first."""
    with app.app_context(), reading("auth") as session:
        rows = session.scalars(
            select(Link).where(Link.person_id == who.id).order_by(Link.made_at, Link.id)
        )
        return [f"/auth/{row.kind}/{keys().seal.token(row.id)}" for row in rows]


def fields_of(client: FlaskClient, page: str, action: str = "") -> dict[str, str]:
    """What the form of a page sends when nothing is typed."""
    return form_of(client.get(page).text, action or page)[1]
