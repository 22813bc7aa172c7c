"""Browsers without a browser: a client that fills forms as a person does."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from ates.auth import service
from ates.auth.models import Scope
from ates.config import Config
from ates.contracts.auth import Role
from ates.kernel.db import transaction
from ates.web.identity import cookies_of


class Visitor(FlaskClient):
    """A test client that knows who it is and sends forms as they were drawn."""

    person: UUID | None = None

    def submit(self, page: str, action: str = "", **fields: Any) -> TestResponse:
        """Open `page`, fill in the form that leads to `action` (default: to the page), send it."""
        answer = self.get(page)
        assert answer.status_code == 200, f"{page}: {answer.status}"
        target, drawn = form_of(answer.text, action or page)
        return self.post(target or page, data={**drawn, **fields})


def sign_in(app: Flask, role: Role | str, **about: Any) -> Visitor:
    """A client with the session of a new person of that role, without typing a password."""
    with app.app_context(), transaction("auth") as session:
        person = _new(session, app, Role(role), about)
        cookie = service.open_session(session, person)
    config: Config = app.extensions["ates.config"]
    client = _visitor(app, person)
    client.set_cookie(cookies_of(config).session, cookie)
    return client


def caller(app: Flask, role: Role | str, *, scope: str = "write", **about: Any) -> Visitor:
    """A program with an API token of a new person of that role."""
    with app.app_context(), transaction("auth") as session:
        person = _new(session, app, Role(role), about)
        token = service.issue_token(session, person, name="test", scope=Scope(scope)).secret
    client = _visitor(app, person)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


def _new(session: Session, app: Flask, role: Role, about: dict[str, Any]) -> UUID:
    number = about.pop("number", None) or _next(app)
    values = {
        "email": f"{role}{number}@popug.example",
        "name": f"{role.title()} {number}",
        "role": role,
        **about,
    }
    return service.create_person(session, **values).id


def _visitor(app: Flask, person: UUID) -> Visitor:
    app.test_client_class = Visitor
    client = app.test_client()
    assert isinstance(client, Visitor)
    client.person = person
    return client


def _next(app: Flask) -> int:
    app.extensions["tests.people"] = app.extensions.get("tests.people", 0) + 1
    return int(app.extensions["tests.people"])


# --- forms ----------------------------------------------------------------------------------------


def form_of(page: str, action: str) -> tuple[str, dict[str, str]]:
    """Where the form that leads to `action` goes, and what is filled in when it is drawn.

    An action of a form that is empty means the page itself. Raises LookupError with the forms seen.
    """
    parser = _Forms()
    parser.feed(page)
    wanted = urlsplit(action).path
    for target, method, fields in parser.forms:
        if method == "post" and (not target or urlsplit(target).path == wanted):
            return target, fields
    raise LookupError(f"no form leads to {wanted}: {[form[:2] for form in parser.forms]}")


class _Forms(HTMLParser):
    """Collects forms with the values a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, str, dict[str, str]]] = []
        self.inside = False
        self.select: str | None = None
        self.area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((has.get("action", ""), has.get("method", "get").lower(), {}))
            self.inside = True
        elif self.inside:
            self._field(tag, has, self.forms[-1][2])

    def _field(self, tag: str, has: dict[str, str], fields: dict[str, str]) -> None:
        name = has.get("name", "")
        if tag == "input" and name and has.get("type") not in ("submit", "button"):
            ticks = has.get("type") in ("checkbox", "radio")
            if not ticks or "checked" in has:
                fields[name] = has.get("value", "on" if ticks else "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in has or self.select not in fields:
                fields[self.select] = has.get("value", "")
        elif tag == "textarea":
            self.area = name
            fields[name] = ""

    def handle_data(self, data: str) -> None:
        if self.inside and self.area:
            self.forms[-1][2][self.area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.area = None
